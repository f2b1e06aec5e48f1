/** The ring in the audio thread. Sound comes by a port from the network's thread; reports go to the page. */
import type { SoundChunk } from "../net/messages";
import { SampleRing } from "./ring";

// The DOM library does not describe the worklet's global scope.
declare const sampleRate: number;
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new (options: { processorOptions: RingOptions }) => AudioWorkletProcessor): void;

export interface RingOptions {
  readonly rateHz: number;
  readonly targetS: number;
}

const REPORT_S = 0.04;

class RingProcessor extends AudioWorkletProcessor {
  private readonly ring: SampleRing;
  private reportedS = 0;

  constructor(options: { processorOptions: RingOptions }) {
    super();
    const { rateHz, targetS } = options.processorOptions;
    this.ring = new SampleRing(rateHz, sampleRate, targetS);
    this.port.onmessage = (event: MessageEvent<{ source?: MessagePort; targetS?: number; leftLaterS?: number }>) => {
      const { source, targetS: target, leftLaterS } = event.data;
      if (target !== undefined) this.ring.setTarget(target);
      if (leftLaterS !== undefined) this.ring.turn(leftLaterS);
      if (source !== undefined) source.onmessage = (sound: MessageEvent<SoundChunk>) => this.take(sound.data);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [left, right] = outputs[0]!;
    this.ring.pull(left!, right!);
    if (currentTime - this.reportedS >= REPORT_S) {
      this.reportedS = currentTime;
      this.port.postMessage({ contextS: currentTime, report: this.ring.report() });
    }
    return true;
  }

  private take(chunk: SoundChunk): void {
    this.ring.push(chunk.firstSample, chunk.timeS, chunk.left, chunk.right);
  }
}

registerProcessor("tutti-ring", RingProcessor);

/**
 * Plays the concert's sound and knows which moment of the session is heard right now.
 *
 * Where worklets are not allowed (plain http on another machine), the same ring runs in the page by a
 * ScriptProcessorNode: deprecated, but the only continuous output such a page has.
 */
import type { Codec, SoundChunk } from "../net/messages";
import { canDecodeOpus } from "./decoder";
import { SampleRing, type RingReport } from "./ring";
import workletUrl from "./ring.worklet.ts?worker&url";

export type AudioState = "off" | "muted" | "blocked" | "waiting" | "playing" | "unavailable";

/** Seconds in store: enough for Wi-Fi when listening, little when the sound follows one's own hand. */
export const LISTENING_TARGET_S = 0.11;
export const CONDUCTING_TARGET_S = 0.08;

const SCRIPT_BLOCK = 1024;

export interface AudioPlayerEvents {
  /** Asks the relay for sound in a codec, to be sent to `port`. */
  listen(codec: Codec, port: MessagePort | null): void;
  changed(): void;
}

export class AudioPlayer {
  private context: AudioContext | null = null;
  private volume: GainNode | null = null;
  private node: AudioNode | null = null;
  private ring: SampleRing | null = null;
  private targetS = LISTENING_TARGET_S;
  private loudness = 1;
  private report: RingReport | null = null;
  private reportContextS = 0;
  private failure: string | null = null;
  private codec: Codec = "none";
  private muted = false;
  /** The network's end of the line to the ring, until it is handed over with the first request for sound. */
  private source: MessagePort | null = null;
  private streaming = false;

  constructor(private readonly events: AudioPlayerEvents) {}

  get state(): AudioState {
    if (this.failure !== null) return "unavailable";
    if (this.context === null) return "off";
    if (this.muted) return "muted";
    if (this.context.state !== "running") return "blocked";
    return this.report !== null && !Number.isNaN(this.report.timeS) ? "playing" : "waiting";
  }

  /** Why there is no sound, in one line, or null. */
  get problem(): string | null {
    return this.failure;
  }

  get levels(): RingReport | null {
    return this.state === "playing" ? this.report : null;
  }

  get usedCodec(): Codec {
    return this.codec;
  }

  /** Opens the sound for a stream of `rateHz`. Browsers allow it to run only after a gesture: see `unlock`. */
  async open(rateHz: number): Promise<void> {
    if (this.context !== null) await this.close();
    this.failure = null;
    this.streaming = false;
    if (rateHz <= 0) {
      this.failure = "This studio sends no sound.";
      this.events.changed();
      return;
    }
    try {
      soundLikeMusic();
      this.context = new AudioContext({ sampleRate: rateHz, latencyHint: "interactive" });
      this.context.onstatechange = () => this.follow();
      this.volume = new GainNode(this.context, { gain: this.loudness });
      this.volume.connect(this.context.destination);
      const { port1, port2 } = new MessageChannel();
      this.node = this.context.audioWorklet === undefined ? this.scriptNode(rateHz, port1) : await this.workletNode(rateHz, port1);
      this.node.connect(this.volume);
      this.codec = (await canDecodeOpus(rateHz)) ? "opus" : "pcm16";
      this.source = port2;
      this.follow();
    } catch (error) {
      this.failure = `This browser cannot play the sound (${error instanceof Error ? error.message : String(error)}).`;
    }
    this.events.changed();
  }

  /** Call from a click, tap or key: lets the sound run. */
  async unlock(): Promise<void> {
    if (!this.muted) await this.context?.resume();
    this.follow();
  }

  /** Stops the sound and its stream, or starts them again. */
  async mute(muted: boolean): Promise<void> {
    this.muted = muted;
    this.report = null;
    if (muted) await this.context?.suspend();
    else await this.context?.resume();
    this.follow();
  }

  /** Asks for sound while it can be played, and only then: a stopped audio thread would let packets pile up. */
  private follow(): void {
    const wanted = this.context?.state === "running" && !this.muted && this.codec !== "none";
    if (wanted !== this.streaming) {
      this.streaming = wanted;
      this.report = null;
      this.events.listen(wanted ? this.codec : "none", wanted ? this.source : null);
      if (wanted) this.source = null;
    }
    this.events.changed();
  }

  /** Asks again for the stream in 16-bit PCM, after the browser's Opus decoder gave up. */
  fallBackToPcm(): void {
    this.codec = "pcm16";
    this.events.listen("pcm16", null);
  }

  setVolume(loudness: number): void {
    this.loudness = loudness;
    if (this.volume !== null && this.context !== null) this.volume.gain.setTargetAtTime(loudness * loudness, this.context.currentTime, 0.03);
  }

  setTarget(targetS: number): void {
    if (targetS === this.targetS) return;
    this.targetS = targetS;
    if (this.node instanceof AudioWorkletNode) this.node.port.postMessage({ targetS });
    this.ring?.setTarget(targetS);
  }

  /** Lets the left ear hear later by so much, as if the head had turned left; see `EarTurn`. */
  turnEars(leftLaterS: number): void {
    if (this.node instanceof AudioWorkletNode) this.node.port.postMessage({ leftLaterS });
    this.ring?.turn(leftLaterS);
  }

  /** Session time at which the sound that leaves the ring now was due, or null while none does. */
  leavingRingS(): number | null {
    if (this.state !== "playing" || this.context === null || this.report === null) return null;
    return this.report.timeS + (this.context.currentTime - this.reportContextS) * this.report.rate;
  }

  /** Session time of the sound at the listener's ears now, or null while none is heard. */
  heardS(): number | null {
    if (this.state !== "playing" || this.context === null || this.report === null) return null;
    return this.report.timeS + (this.leavingS(this.context) - this.reportContextS) * this.report.rate;
  }

  async close(): Promise<void> {
    this.events.listen("none", null);
    this.streaming = false;
    await this.context?.close();
    this.context = this.volume = this.node = this.ring = this.report = null;
  }

  /** Context time of the sample that leaves the loudspeaker now. */
  private leavingS(context: AudioContext): number {
    const stamp = context.getOutputTimestamp?.();
    if (stamp?.contextTime !== undefined && stamp.performanceTime !== undefined && stamp.performanceTime > 0) {
      return stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000;
    }
    return context.currentTime - (context.outputLatency || context.baseLatency || 0);
  }

  private async workletNode(rateHz: number, source: MessagePort): Promise<AudioNode> {
    const context = this.context!;
    await context.audioWorklet.addModule(workletUrl);
    const node = new AudioWorkletNode(context, "tutti-ring", {
      numberOfInputs: 0,
      outputChannelCount: [2],
      processorOptions: { rateHz, targetS: this.targetS },
    });
    node.port.postMessage({ source }, [source]);
    node.port.onmessage = (event: MessageEvent<{ contextS: number; report: RingReport }>) => this.take(event.data.contextS, event.data.report);
    return node;
  }

  private scriptNode(rateHz: number, source: MessagePort): AudioNode {
    const context = this.context!;
    const ring = new SampleRing(rateHz, context.sampleRate, this.targetS);
    this.ring = ring;
    source.onmessage = ({ data }: MessageEvent<SoundChunk>) => ring.push(data.firstSample, data.timeS, data.left, data.right);
    const node = context.createScriptProcessor(SCRIPT_BLOCK, 0, 2);
    node.onaudioprocess = (event) => {
      ring.pull(event.outputBuffer.getChannelData(0), event.outputBuffer.getChannelData(1));
      this.take(event.playbackTime + SCRIPT_BLOCK / context.sampleRate, ring.report());
    };
    return node;
  }

  private take(contextS: number, report: RingReport): void {
    const before = this.state;
    this.report = report;
    this.reportContextS = contextS;
    if (this.state !== before) this.events.changed();
  }
}

/** Music plays on iPhones and iPads whose ringer is silent (Audio Session API); other sound of a page does not. */
function soundLikeMusic(): void {
  const session = (navigator as Navigator & { audioSession?: { type: string } }).audioSession;
  if (session !== undefined) session.type = "playback";
}

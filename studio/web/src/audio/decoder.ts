/** Packets of sound to planar floats, on the network's thread. */
import type { Audio } from "../generated/protocol";
import type { Codec, SoundChunk } from "../net/messages";

const CHANNELS = 2;
const PCM16_FULL_SCALE = 32768;

/** Whether this browser decodes Opus itself. WebCodecs exists only in secure contexts (https, or this machine). */
export async function canDecodeOpus(rateHz: number): Promise<boolean> {
  if (typeof AudioDecoder === "undefined") return false;
  const answer = await AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: rateHz, numberOfChannels: CHANNELS });
  return answer.supported === true;
}

export class SoundDecoder {
  codec: Codec = "none";
  private port: MessagePort | null = null;
  private opus: AudioDecoder | null = null;
  private rateHz = 48000;
  /** Session time of sample 0, by the newest packet. */
  private originS = 0;

  constructor(private readonly failed: (codec: Codec, error: string | null) => void) {}

  configure(rateHz: number): void {
    if (rateHz > 0) this.rateHz = rateHz;
    this.closeOpus();
  }

  connect(port: MessagePort): void {
    this.port = port;
  }

  decode(packet: Audio): void {
    if (this.port === null || packet.codec !== this.codec) return;
    this.originS = packet.time_s - packet.first_sample / this.rateHz;
    if (packet.codec === "opus") this.decodeOpus(packet);
    else if (packet.codec === "pcm16") this.decodePcm(packet);
  }

  private decodeOpus(packet: Audio): void {
    this.opus ??= this.openOpus();
    const timestamp = Math.round((packet.first_sample / this.rateHz) * 1e6);
    this.opus.decode(new EncodedAudioChunk({ type: "key", timestamp, data: packet.data }));
  }

  private openOpus(): AudioDecoder {
    const decoder = new AudioDecoder({
      output: (data) => {
        const left = new Float32Array(data.numberOfFrames);
        const right = new Float32Array(data.numberOfFrames);
        data.copyTo(left, { planeIndex: 0, format: "f32-planar" });
        data.copyTo(right, { planeIndex: Math.min(1, data.numberOfChannels - 1), format: "f32-planar" });
        const firstSample = Math.round((data.timestamp / 1e6) * this.rateHz);
        data.close();
        this.emit(firstSample, left, right);
      },
      error: (error) => {
        this.opus = null;
        this.failed("opus", error.message);
      },
    });
    decoder.configure({ codec: "opus", sampleRate: this.rateHz, numberOfChannels: CHANNELS });
    return decoder;
  }

  private decodePcm(packet: Audio): void {
    const view = new DataView(packet.data.buffer, packet.data.byteOffset, packet.data.byteLength);
    const frames = Math.min(packet.samples, Math.floor(packet.data.byteLength / (2 * CHANNELS)));
    const left = new Float32Array(frames);
    const right = new Float32Array(frames);
    for (let i = 0; i < frames; i++) {
      left[i] = view.getInt16(4 * i, true) / PCM16_FULL_SCALE;
      right[i] = view.getInt16(4 * i + 2, true) / PCM16_FULL_SCALE;
    }
    this.emit(packet.first_sample, left, right);
  }

  private emit(firstSample: number, left: Float32Array<ArrayBuffer>, right: Float32Array<ArrayBuffer>): void {
    const chunk: SoundChunk = { firstSample, timeS: this.originS + firstSample / this.rateHz, left, right };
    this.port?.postMessage(chunk, [left.buffer, right.buffer]);
  }

  private closeOpus(): void {
    if (this.opus !== null && this.opus.state !== "closed") this.opus.close();
    this.opus = null;
  }
}

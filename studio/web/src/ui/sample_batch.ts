/** Gathers gesture samples, so that a mouse of 1000 reports a second stays within the relay's message rate. */
import { MAX_SAMPLES, type PointerSample } from "../generated/protocol";

/** 125 messages a second: a little delay beside the orchestra's own, half of what the relay allows. */
const INTERVAL_MS = 8;

export class SampleBatch {
  private waiting: PointerSample[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sentMs = -Infinity;

  /** `send` gets at most `MAX_SAMPLES` at a time, in order. */
  constructor(
    private readonly send: (samples: PointerSample[]) => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The first sample after a pause goes at once; the end of a drag does, too. */
  add(samples: readonly PointerSample[]): void {
    this.waiting.push(...samples);
    const wait = this.sentMs + INTERVAL_MS - this.nowMs();
    if (wait <= 0 || samples.some(({ pressed }) => !pressed)) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), wait);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sentMs = this.nowMs();
    while (this.waiting.length > 0) this.send(this.waiting.splice(0, MAX_SAMPLES));
  }
}

/** Keeps the picture fluent: gives up resolution and detail where frames come late, takes them back where they do not. */

export interface Quality {
  /** Device pixels per CSS pixel, as a share of what the screen has (at most 2). */
  readonly resolution: number;
  /** Scale of the distances at which players are drawn finely. */
  readonly detail: number;
  readonly audience: boolean;
  /** Draw each n-th display frame only: leaves time for sound and gesture where a picture takes very long. */
  readonly every: number;
}

export const LADDER: readonly Quality[] = [
  { resolution: 1, detail: 1.3, audience: true, every: 1 },
  { resolution: 0.8, detail: 1, audience: true, every: 1 },
  { resolution: 0.62, detail: 0.7, audience: true, every: 1 },
  { resolution: 0.5, detail: 0.45, audience: false, every: 1 },
  { resolution: 0.36, detail: 0.3, audience: false, every: 2 },
  { resolution: 0.3, detail: 0.2, audience: false, every: 3 },
];

const SLOW_MS = 25;
const FLUENT_MS = 18.5;
const JUDGED_FRAMES = 24;
/** So slow that a few frames tell. */
const CRAWLING_MS = 90;
const PATIENCE_S = 6;

export class Governor {
  private level: number;
  private meanMs = 16;
  private frames = 0;
  private fluentS = 0;
  /** A step up that did not hold is not tried again for this long. */
  private cautionS = 0;
  private climbed = false;

  /** `pinned`: stays at `start` whatever the frames take, e.g. for pictures. */
  constructor(
    start = 0,
    private readonly pinned = false,
  ) {
    this.level = Math.min(LADDER.length - 1, Math.max(0, start));
  }

  get quality(): Quality {
    return LADDER[this.level]!;
  }

  get frameMs(): number {
    return this.meanMs;
  }

  /** `frameMs`: time since the last drawn frame, per display frame. True where the quality changed. */
  frame(frameMs: number): boolean {
    if (frameMs > 2500 || this.pinned) return false; // a hidden tab is not a slow machine
    this.meanMs += (frameMs - this.meanMs) * (frameMs > CRAWLING_MS ? 0.3 : 0.1);
    this.frames += 1;
    this.cautionS = Math.max(0, this.cautionS - frameMs / 1000);
    if (this.frames < JUDGED_FRAMES && (this.frames < 6 || this.meanMs < CRAWLING_MS)) return false;
    if (this.meanMs > SLOW_MS && this.level < LADDER.length - 1) {
      if (this.climbed) this.cautionS = 90;
      return this.change(this.meanMs > 3 * SLOW_MS ? 2 : 1);
    }
    this.fluentS = this.meanMs < FLUENT_MS ? this.fluentS + frameMs / 1000 : 0;
    if (this.fluentS > PATIENCE_S && this.cautionS === 0 && this.level > 0) return this.change(-1);
    return false;
  }

  private change(steps: number): boolean {
    this.level = Math.min(LADDER.length - 1, Math.max(0, this.level + steps));
    this.climbed = steps < 0;
    this.frames = 0;
    this.fluentS = 0;
    this.meanMs = 16;
    return true;
  }
}

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

/** The usual display shows 60 pictures a second; some show 30 by themselves (energy savers, projectors), or 50. */
const DISPLAY_MS = 1000 / 60;
/** No display shows fewer than 24 a second: what is slower is the machine. */
const SLOWEST_DISPLAY_MS = 42.5;
/** Frames are slow or fluent at these multiples of the display's own time between two. */
const SLOW = 1.5;
const FLUENT = 1.25;
const JUDGED_FRAMES = 24;
const LATEST_FRAMES = 12;
/** Where the picture costs least without frames being left out: if it is no sooner there, it is not what takes the time. */
const CHEAP = 3;
const AS_BEFORE = 0.1;
/** A page that works for less of the time between two frames waits for the display. */
const IDLE = 0.5;
/** So slow that a few frames tell. */
const CRAWLING_MS = 90;
const PATIENCE_S = 6;

export class Governor {
  private level: number;
  private meanMs = DISPLAY_MS;
  private frames = 0;
  private fluentS = 0;
  /** A step up that did not hold is not tried again for this long. */
  private cautionS = 0;
  private climbed = false;
  private displayMs = DISPLAY_MS;
  private readonly latest: number[] = [];
  /** Where the way down began, and how long frames took there. */
  private began: { readonly level: number; readonly ms: number } | null = null;

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

  /** `frameMs`: time since the last drawn frame, per display frame; `workMs` of it the page worked. True where the quality changed. */
  frame(frameMs: number, workMs = 0): boolean {
    if (frameMs > 2500 || this.pinned) return false; // a hidden tab is not a slow machine
    this.meanMs += (frameMs - this.meanMs) * (frameMs > CRAWLING_MS ? 0.3 : 0.1);
    this.frames += 1;
    this.latest.push(frameMs);
    if (this.latest.length > LATEST_FRAMES) this.latest.shift();
    this.cautionS = Math.max(0, this.cautionS - frameMs / 1000);
    if (this.frames < JUDGED_FRAMES && (this.frames < 6 || this.meanMs < CRAWLING_MS)) return false;
    const usualMs = median(this.latest);
    if (usualMs < (1 - AS_BEFORE) * this.displayMs) this.displayMs = Math.max(DISPLAY_MS, usualMs);
    if (this.meanMs > SLOW * this.displayMs && this.level < LADDER.length - 1) {
      const { began } = this;
      const idle = usualMs < SLOWEST_DISPLAY_MS && workMs < IDLE * usualMs;
      if (began !== null && this.level === CHEAP && idle && Math.abs(usualMs / began.ms - 1) < AS_BEFORE) {
        this.displayMs = usualMs;
        this.began = null;
        this.change(began.level - this.level);
        this.climbed = false;
        return true;
      }
      if (this.climbed) this.cautionS = 90;
      if (began === null && this.level < CHEAP) this.began = { level: this.level, ms: usualMs };
      const steps = this.meanMs > 3 * SLOW * this.displayMs ? 2 : 1;
      return this.change(this.level < CHEAP ? Math.min(steps, CHEAP - this.level) : steps);
    }
    this.began = null;
    this.fluentS = this.meanMs < FLUENT * this.displayMs ? this.fluentS + frameMs / 1000 : 0;
    if (this.fluentS > PATIENCE_S && this.cautionS === 0 && this.level > 0) return this.change(-1);
    return false;
  }

  private change(steps: number): boolean {
    this.level = Math.min(LADDER.length - 1, Math.max(0, this.level + steps));
    this.climbed = steps < 0;
    this.frames = 0;
    this.fluentS = 0;
    this.meanMs = DISPLAY_MS;
    this.latest.length = 0;
    return true;
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? DISPLAY_MS;
}

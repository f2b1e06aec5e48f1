/**
 * The 1€ filter (Casiez, Roussel and Vogel, "1€ Filter: a simple speed-based low-pass filter for noisy input", CHI
 * 2012): a first-order low-pass whose cutoff rises with speed, so that a resting hand is still and a moving one is not
 * late. The cutoff comes from the speed of the whole point, not of each axis: at an ictus the hand turns in height
 * while it still moves sideways, and must not be smoothed late there.
 */
import type { Vec3 } from "./input";

const DERIVATIVE_CUTOFF_HZ = 2;
/** After a longer gap than this there is nothing to be smoothed with. */
const FORGET_S = 0.25;

export class OneEuroFilter {
  private timeS = NaN;
  private shown: [number, number, number] = [0, 0, 0];
  private raw: Vec3 = [0, 0, 0];
  private speed = 0;

  /** `restCutoffHz`: at rest; `cutoffHzPerMps`: how much the cutoff rises with each metre a second. */
  constructor(
    private readonly restCutoffHz: number,
    private readonly cutoffHzPerMps: number,
  ) {}

  reset(): void {
    this.timeS = NaN;
  }

  /** The filtered place for the measured `point` at `timeS`; times rise. */
  next(point: Vec3, timeS: number): Vec3 {
    const dt = timeS - this.timeS;
    if (!(dt > 0 && dt < FORGET_S)) {
      if (dt <= 0) return [...this.shown];
      this.shown = [...point];
      this.speed = 0;
    } else {
      const measured = Math.hypot(point[0] - this.raw[0], point[1] - this.raw[1], point[2] - this.raw[2]) / dt;
      this.speed += smoothing(DERIVATIVE_CUTOFF_HZ, dt) * (measured - this.speed);
      const share = smoothing(this.restCutoffHz + this.cutoffHzPerMps * this.speed, dt);
      for (let axis = 0; axis < 3; axis++) this.shown[axis]! += share * (point[axis]! - this.shown[axis]!);
    }
    this.raw = point;
    this.timeS = timeS;
    return [...this.shown];
  }
}

/** The weight of a new sample in a first-order low-pass with this cutoff. */
function smoothing(cutoffHz: number, dt: number): number {
  const r = 2 * Math.PI * cutoffHz * dt;
  return r / (r + 1);
}

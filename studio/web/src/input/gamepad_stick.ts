/** A gamepad's sticks → the baton; pure. */
import { CENTRE_M, REACH_M, type Vec3 } from "./input";

/** Worn sticks do not come back to the very middle. */
const DEAD_ZONE = 0.08;
/** A stick held further out than this is meant. */
const DELIBERATE = 0.4;
/** Sticks reach between 0.8 and 1.1 at their rim; each one's own is learnt, beginning from here. */
const LEAST_RIM = 0.85;
const MOST_RIM = 1.1;

export class StickBaton {
  private rims = [LEAST_RIM, LEAST_RIM];
  private stick = 1;

  /** Which stick conducts: 0 left, 1 right. It is the one that was last moved alone. */
  get conducting(): number {
    return this.stick;
  }

  /** The baton for `axes` as the Gamepad API gives them: x and y of the left stick, then of the right; y down. */
  place(axes: readonly number[]): Vec3 {
    const sticks = [0, 1].map((stick) => ({ x: finite(axes[2 * stick]), y: -finite(axes[2 * stick + 1]) }));
    const far = sticks.map(({ x, y }) => Math.hypot(x, y));
    const idle = 1 - this.stick;
    if (far[idle]! > DELIBERATE && far[this.stick]! < DEAD_ZONE) this.stick = idle;
    this.rims = this.rims.map((rim, stick) => Math.min(MOST_RIM, Math.max(rim, far[stick]!)));
    const { x, y } = sticks[this.stick]!;
    const radius = far[this.stick]!;
    // A dead zone by distance keeps round figures round.
    const reach = radius <= DEAD_ZONE ? 0 : Math.min(1, (radius - DEAD_ZONE) / (this.rims[this.stick]! - DEAD_ZONE)) / radius;
    return [CENTRE_M[0] + REACH_M * reach * x, CENTRE_M[1] + REACH_M * reach * y, CENTRE_M[2]];
  }
}

function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}

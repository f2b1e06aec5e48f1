/**
 * A phone's motion as that of a baton.
 *
 * A phone is swung by wrist and forearm, so the baton is thought as a stick that lengthens it: where its tip is, is
 * the place of the hand plus the stick's direction times its length. The direction comes from the phone's own sensor
 * fusion and does not drift. The place of the hand comes from acceleration, integrated twice and pulled back to the
 * middle by a weak damped spring (a high-pass of second order), so that what sensors get wrong fades; while the hand
 * rests, its speed is taken for zero and its place is kept (zero-velocity update).
 */
import { type Calibration, GRAVITY, levelled, type MotionReading } from "./phone_calibration";
import { SampleClock } from "./phone_clock";
import { add, fromAngles, inTracking, inverse, type Quaternion, rotate, unit, type Vector } from "./phone_rotation";

export interface BatonPose {
  readonly timeS: number;
  /** Tracking frame, metres. */
  readonly positionM: Vector;
  readonly orientation: Quaternion;
}

/** Where the tip is at rest: before the chest of a standing adult (tracking frame). */
export const REST_M: Vector = [0.12, 1.15, -0.45];
/** How far the tip is ahead of the phone. */
const STICK_M = 0.4;
/**
 * The spring that pulls the hand back, rad/s, and its damping. Weaker drifts, stronger lets slow icti come early. A
 * degree of error in the orientation leaks 0.17 m/s² of gravity into the level axes and next to none into height, on
 * which the icti are: so height is pulled less.
 */
const PULL_UP = 1.2;
const PULL_LEVEL = 3;
const DAMPING = 0.6;
/** After a rest the height has not drifted yet: its spring takes so long to come to its strength, from a part of it. */
const TRUSTED_S = 3;
const TRUSTED_PULL = 0.3;
/** Seconds in which a constant error of the acceleration is learned while the hand moves; at rest, the mean of so long before counts. */
const SETTLE_S = 15;
const REST_MEMORY_S = 0.3;
/** The hand rests where neither acceleration (m/s²) nor direction (rad) leave their own running mean by more. */
const REST_ACCELERATION = 0.5;
const REST_LEAN = 0.025;
const MEAN_S = 0.8;
const UNREST_S = 0.15;
const REST_AFTER_S = 0.25;
/** A pause of the sensors: what was integrated is worth nothing. */
const GAP_S = 0.25;
const FARTHEST_M = 0.9;
/** Without orientation, gravity is what stays of the acceleration for so long. */
const GRAVITY_S = 0.6;

export class PhoneBaton {
  private readonly clock = new SampleClock();
  private stampS = -Infinity;
  private lastS: number | null = null;
  private acceleration: Vector = [0, 0, 0];
  private error: Vector = [0, 0, 0];
  private speed: Vector = [0, 0, 0];
  private hand: Vector = [0, 0, 0];
  private readonly restDirection: Vector;
  /** Running means of acceleration and direction, and of how far they are left. */
  private meanPush: Vector | null = null;
  private meanDirection: Vector;
  private unrest = 0;
  private unsteadiness = 0;
  /** A calibrated phone was just held still. */
  private restedS = REST_AFTER_S;
  private movedS = 0;
  /** Means of the acceleration at rest, oldest first: a rest is known to end only after the stroke has begun. */
  private atRest: { timeS: number; mean: Vector }[] = [];
  private up: Vector;

  constructor(private readonly calibration: Calibration) {
    this.restDirection = this.meanDirection = stick(inTracking(calibration.rest, calibration.headingRad));
    this.up = rotate(inverse(calibration.rest), [0, 0, 1]);
  }

  /** Where the tip is after this reading; null where the reading is not later than the last, or is no number. */
  step(reading: MotionReading): BatonPose | null {
    const { sign, bias, headingRad } = this.calibration;
    const felt = reading.accelerationIncludingGravity;
    if (![reading.timeS, ...felt, ...(reading.angles ?? [])].every(Number.isFinite)) return null;
    if (reading.timeS <= this.stampS) return null;
    this.stampS = reading.timeS;
    const timeS = this.clock.next(reading.timeS);
    const dt = this.lastS === null ? 0 : timeS - this.lastS;
    if (this.lastS !== null && dt <= 0) return null;
    this.lastS = timeS;
    const force = add([sign * felt[0], sign * felt[1], sign * felt[2]], bias, -1);
    const orientation = inTracking(reading.angles === null ? this.leaning(force, dt) : fromAngles(...reading.angles), headingRad);
    const pushed = add(rotate(orientation, force), [0, GRAVITY, 0], -1);
    const direction = stick(orientation);
    if (dt > GAP_S) this.speed = [0, 0, 0];
    else if (dt > 0) this.integrate(pushed, direction, dt);
    this.acceleration = pushed;
    const lean = add(direction, this.restDirection, -1);
    const moved = add(this.hand, lean, STICK_M);
    return { timeS, positionM: add(REST_M, moved), orientation };
  }

  private integrate(pushed: Vector, direction: Vector, dt: number): void {
    const resting = this.rests(pushed, direction, dt);
    this.learn(pushed, resting, dt);
    const before = this.acceleration;
    if (resting) {
      const fade = Math.exp(-dt / 0.08);
      this.speed = [this.speed[0] * fade, this.speed[1] * fade, this.speed[2] * fade];
    }
    const held = resting ? 0 : 1;
    this.movedS = resting ? 0 : this.movedS + dt;
    const strength = Math.min(1, TRUSTED_PULL + ((1 - TRUSTED_PULL) * this.movedS) / TRUSTED_S);
    const axis = (i: 0 | 1 | 2): [number, number] => {
      const a = held * ((before[i]! + pushed[i]!) / 2 - this.error[i]!);
      const pull = i === 1 ? strength * PULL_UP : PULL_LEVEL;
      const v = this.speed[i] + dt * (a - held * (2 * DAMPING * pull * this.speed[i] + pull * pull * this.hand[i]));
      return [v, this.hand[i] + (dt * (v + this.speed[i])) / 2];
    };
    const [x, y, z] = [axis(0), axis(1), axis(2)];
    this.speed = [x[0], y[0], z[0]];
    const distance = Math.hypot(x[1], y[1], z[1]);
    const factor = distance > FARTHEST_M ? FARTHEST_M / distance : 1;
    this.hand = [x[1] * factor, y[1] * factor, z[1] * factor];
  }

  /** Learns what the acceleration shows when nothing pushes: quickly at rest, slowly from the mean of the motion. */
  private learn(pushed: Vector, resting: boolean, dt: number): void {
    if (!resting) {
      this.atRest = [];
      this.error = add(this.error, add(pushed, this.error, -1), 1 - Math.exp(-dt / SETTLE_S));
      return;
    }
    const nowS = this.lastS!;
    this.atRest.push({ timeS: nowS, mean: this.meanPush! });
    while (this.atRest.length > 1 && this.atRest[1]!.timeS <= nowS - REST_MEMORY_S) this.atRest.shift();
    if (this.atRest[0]!.timeS <= nowS - REST_MEMORY_S) this.error = this.atRest[0]!.mean;
  }

  private rests(pushed: Vector, direction: Vector, dt: number): boolean {
    const share = 1 - Math.exp(-dt / MEAN_S);
    this.meanPush ??= this.error = pushed;
    const left = Math.hypot(...add(pushed, this.meanPush, -1));
    const leant = Math.hypot(...add(direction, this.meanDirection, -1));
    this.meanPush = add(this.meanPush, add(pushed, this.meanPush, -1), share);
    this.meanDirection = add(this.meanDirection, add(direction, this.meanDirection, -1), share);
    // Unrest is noticed at once, rest only after a while.
    const slow = 1 - Math.exp(-dt / UNREST_S);
    this.unrest = left > REST_ACCELERATION * 2 ? left : this.unrest + slow * (left - this.unrest);
    this.unsteadiness = leant > REST_LEAN * 2 ? leant : this.unsteadiness + slow * (leant - this.unsteadiness);
    const quiet = this.unrest < REST_ACCELERATION && this.unsteadiness < REST_LEAN;
    this.restedS = quiet ? this.restedS + dt : 0;
    return this.restedS >= REST_AFTER_S;
  }

  /** Device → earth from gravity alone: the slow part of the acceleration. */
  private leaning(force: Vector, dt: number): Quaternion {
    this.up = unit(add(this.up, add(unit(force), this.up, -1), 1 - Math.exp(-dt / GRAVITY_S)));
    return levelled(this.up);
  }
}

/** Where a phone's top points. */
function stick(orientation: Quaternion): Vector {
  return rotate(orientation, [0, 1, 0]);
}

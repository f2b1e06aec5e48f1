/**
 * What a phone that is held still for a moment tells: which way gravity pulls in its own terms (iOS reports
 * accelerations with the opposite sign of the W3C specification), what its sensors show when nothing moves, and which
 * way its holder faces.
 */
import { add, dot, fromAngles, inverse, type Quaternion, rotate, unit, type Vector } from "./phone_rotation";

export const GRAVITY = 9.80665;

/** One `devicemotion` event with the newest `deviceorientation` before it. */
export interface MotionReading {
  /** Client clock, seconds. */
  readonly timeS: number;
  /** m/s², device axes, as the browser gives it. */
  readonly accelerationIncludingGravity: Vector;
  /** Degrees, null where the phone has no such sensor. */
  readonly angles: Vector | null;
}

export interface Calibration {
  /** 1, or −1 where the browser reports accelerations with the opposite sign. */
  readonly sign: 1 | -1;
  /** What the accelerometer shows beyond gravity at rest, m/s², device axes, sign applied. */
  readonly bias: Vector;
  /** Where the holder faces: counter-clockwise from the angles' north, seen from above. */
  readonly headingRad: number;
  /** How the phone lay at rest, device → earth. */
  readonly rest: Quaternion;
}

const STILL_S = 1.2;
/** Spread of the acceleration below which a hand counts as still, m/s²: a steady hand has about 0.1. */
const STILL_SPREAD = 0.45;
const LONGEST_S = 6;

/** Collects readings until the hand was still long enough. */
export class StillHold {
  private kept: MotionReading[] = [];
  private startS: number | null = null;

  /** `flipped`: whether the sign is to be taken as opposite where no orientation can tell. */
  constructor(private readonly flipped: boolean) {}

  /** How far the hold has come, 0–1. */
  get progress(): number {
    const [first, last] = [this.kept[0], this.kept[this.kept.length - 1]];
    return first === undefined || last === undefined ? 0 : Math.min(1, (last.timeS - first.timeS) / STILL_S);
  }

  /** Takes a reading; gives the calibration once it is sure, at the latest after six seconds. */
  add(reading: MotionReading): Calibration | null {
    this.startS ??= reading.timeS;
    this.kept.push(reading);
    while (this.kept.length > 1 && spread(this.kept) > STILL_SPREAD && reading.timeS - this.startS < LONGEST_S) this.kept.shift();
    return this.progress >= 1 ? calibrated(this.kept, this.flipped) : null;
  }
}

function spread(readings: readonly MotionReading[]): number {
  const mean = meanAcceleration(readings);
  const square = readings.reduce((sum, { accelerationIncludingGravity: a }) => sum + squared(add(a, mean, -1)), 0);
  return Math.sqrt(square / readings.length);
}

function calibrated(readings: readonly MotionReading[], flipped: boolean): Calibration {
  const mean = meanAcceleration(readings);
  const angles = readings[readings.length - 1]!.angles;
  if (angles === null) {
    // Without orientation, gravity alone tells what is up; there is no north, so the top of the phone is ahead.
    const sign = flipped ? -1 : 1;
    const up = unit([sign * mean[0], sign * mean[1], sign * mean[2]]);
    return { sign, bias: add([sign * mean[0], sign * mean[1], sign * mean[2]], up, -GRAVITY), headingRad: 0, rest: levelled(up) };
  }
  const rest = fromAngles(...angles);
  const up = rotate(inverse(rest), [0, 0, 1]);
  const sign = dot(mean, up) < 0 ? -1 : 1;
  const bias = add([sign * mean[0], sign * mean[1], sign * mean[2]], up, -GRAVITY);
  // More than that is no bias: the angles do not fit the acceleration, and leaving it alone is safer.
  const believed: Vector = Math.hypot(...bias) < 1.5 ? bias : [0, 0, 0];
  return { sign, bias: believed, headingRad: headingOf(rest), rest };
}

/** Where the phone points: its top, or its back where it is held upright like a picture. */
export function headingOf(device: Quaternion): number {
  const top = rotate(device, [0, 1, 0]);
  const back = rotate(device, [0, 0, -1]);
  const ahead = Math.hypot(top[0], top[1]) >= 0.5 ? top : back;
  return Math.atan2(-ahead[0], ahead[1]);
}

/** Device → earth for a phone whose own direction `up` is up and whose top points north as well as it can. */
export function levelled(up: Vector): Quaternion {
  // The angles of the specification that have this up: alpha 0, beta and gamma from gravity.
  const beta = Math.atan2(up[1], Math.hypot(up[0], up[2]));
  const gamma = Math.atan2(-up[0], up[2]);
  return fromAngles(0, (beta * 180) / Math.PI, (gamma * 180) / Math.PI);
}

function meanAcceleration(readings: readonly MotionReading[]): Vector {
  const sum = readings.reduce<Vector>((total, { accelerationIncludingGravity }) => add(total, accelerationIncludingGravity), [0, 0, 0]);
  return [sum[0] / readings.length, sum[1] / readings.length, sum[2] / readings.length];
}

function squared(v: Vector): number {
  return v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
}

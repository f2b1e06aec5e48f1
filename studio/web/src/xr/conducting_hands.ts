/**
 * From a headset's hands to baton and free hand: which hand has the baton, where the stick is and where it points, what
 * is lost, and how the baton goes from one hand to the other. No WebXR here: readings in, poses out.
 */
import type { PoseSample } from "../generated/protocol";
import { poseSample, type Quat, type Vec3 } from "../input/input";
import { type HeadsetReading, JOINT, type RigidPose, type Side, type TrackedHand } from "./reading";

/** Whose trigger or pinch comes this near to the stick takes it. */
const TAKE_M = 0.1;
const STICK_M = 0.36;

export function otherSide(side: Side): Side {
  return side === "left" ? "right" : "left";
}

export interface HandPoses {
  readonly baton: RigidPose | null;
  readonly left: RigidPose | null;
}

export class ConductingHands {
  private readonly last: Record<"baton" | "left", RigidPose | null> = { baton: null, left: null };
  private readonly selected: Record<Side, boolean> = { left: false, right: false };
  private poses: HandPoses = { baton: null, left: null };
  private told = -Infinity;

  /** `batonSide`: the hand that has the baton. */
  constructor(public batonSide: Side) {}

  /** Where baton and free hand were in the last reading; null where they were not seen. */
  get shown(): HandPoses {
    return this.poses;
  }

  /** The samples to send. Each device that is lost is told once, at its last place, with `valid` false. */
  step(reading: HeadsetReading): PoseSample[] {
    const swapped = this.swap(reading);
    const baton = reading.hands[this.batonSide];
    const free = reading.hands[otherSide(this.batonSide)];
    this.poses = { baton: baton && batonPose(baton), left: free && freePose(free) };
    // Stamps of one headset never run backwards, but may stand still while its menu is shown.
    if (reading.timeS <= this.told) return [];
    this.told = reading.timeS;
    const samples: PoseSample[] = [];
    if (swapped) samples.push(...this.lose(reading.timeS));
    for (const device of ["baton", "left"] as const) {
      const pose = this.poses[device];
      if (pose !== null) samples.push(poseSample(reading.timeS, device, pose.positionM, pose.orientation, true));
      else samples.push(...this.lost(device, reading.timeS));
      this.last[device] = pose;
    }
    if (reading.head !== null) samples.push(poseSample(reading.timeS, "head", reading.head.positionM, reading.head.orientation, true));
    return samples;
  }

  /** Both hands are not to be seen from `timeS` on (or jump there: a turn in place is no beat). */
  lose(timeS: number): PoseSample[] {
    const samples = [...this.lost("baton", timeS), ...this.lost("left", timeS)];
    this.last.baton = this.last.left = null;
    return samples;
  }

  private lost(device: "baton" | "left", timeS: number): PoseSample[] {
    const last = this.last[device];
    return last === null ? [] : [poseSample(timeS, device, last.positionM, null, false)];
  }

  /** Whether the free hand took the baton: by its trigger or a pinch at the stick. */
  private swap(reading: HeadsetReading): boolean {
    const taker = otherSide(this.batonSide);
    const hand = reading.hands[taker];
    const pressed = hand !== null && hand.select && !this.selected[taker];
    for (const side of ["left", "right"] as const) this.selected[side] = reading.hands[side]?.select ?? false;
    const held = reading.hands[this.batonSide];
    if (!pressed || hand === null || held === null) return false;
    if (distanceToStick(batonPose(held), hand.joints === null ? hand.grip.positionM : pinchPoint(hand.joints)) > TAKE_M) return false;
    this.batonSide = taker;
    return true;
  }
}

/** The stick: its grip, and −Z along it. In a controller it points as the hand does, in a bare hand out of the pinch. */
export function batonPose(hand: TrackedHand): RigidPose {
  if (hand.joints === null) return { positionM: hand.grip.positionM, orientation: hand.aim.orientation };
  const pinch = pinchPoint(hand.joints);
  // The bulb rests in the hollow of the hand, thumb and index lead the stick.
  return { positionM: pinch, orientation: looking(palmOf(hand.joints), pinch, backOf(hand.joints)) };
}

/** The hand without the baton: its palm, and −Z where it points. */
export function freePose(hand: TrackedHand): RigidPose {
  if (hand.joints === null) return { positionM: hand.grip.positionM, orientation: hand.aim.orientation };
  const wrist = joint(hand.joints, JOINT.wrist);
  return { positionM: palmOf(hand.joints), orientation: looking(wrist, joint(hand.joints, JOINT.middleKnuckle), backOf(hand.joints)) };
}

/** Where thumb and index hold the stick. */
export function pinchPoint(joints: Float32Array): Vec3 {
  return middle(joint(joints, JOINT.thumbTip), joint(joints, JOINT.indexDistal));
}

export function joint(joints: Float32Array, index: number): Vec3 {
  return [joints[16 * index + 12]!, joints[16 * index + 13]!, joints[16 * index + 14]!];
}

function palmOf(joints: Float32Array): Vec3 {
  return middle(joint(joints, JOINT.wrist), joint(joints, JOINT.middleKnuckle));
}

/** The wrist's +Y: out of the back of the hand. */
function backOf(joints: Float32Array): Vec3 {
  return [joints[4]!, joints[5]!, joints[6]!];
}

function distanceToStick({ positionM, orientation }: RigidPose, point: Vec3): number {
  const [w, x, y, z] = orientation;
  const along: Vec3 = [-2 * (x * z + w * y), -2 * (y * z - w * x), -(1 - 2 * (x * x + y * y))];
  const to = minus(point, positionM);
  const at = Math.min(STICK_M, Math.max(0, dot(to, along)));
  return Math.hypot(to[0] - at * along[0], to[1] - at * along[1], to[2] - at * along[2]);
}

/** The orientation whose −Z goes from `from` to `to`, with +Y as near to `up` as can be. */
export function looking(from: Vec3, to: Vec3, up: Vec3): Quat {
  const z = unit(minus(from, to));
  const x = unit(cross(up, z));
  const y = cross(z, x);
  return quaternion(x, y, z);
}

/** From a rotation's columns (Shepperd, Journal of Guidance and Control 1, 1978). */
function quaternion(x: Vec3, y: Vec3, z: Vec3): Quat {
  const trace = x[0] + y[1] + z[2];
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    return [s / 4, (y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s];
  }
  if (x[0] > y[1] && x[0] > z[2]) {
    const s = 2 * Math.sqrt(1 + x[0] - y[1] - z[2]);
    return [(y[2] - z[1]) / s, s / 4, (y[0] + x[1]) / s, (z[0] + x[2]) / s];
  }
  if (y[1] > z[2]) {
    const s = 2 * Math.sqrt(1 + y[1] - x[0] - z[2]);
    return [(z[0] - x[2]) / s, (y[0] + x[1]) / s, s / 4, (z[1] + y[2]) / s];
  }
  const s = 2 * Math.sqrt(1 + z[2] - x[0] - y[1]);
  return [(x[1] - y[0]) / s, (z[0] + x[2]) / s, (z[1] + y[2]) / s, s / 4];
}

function middle(a: Vec3, b: Vec3): Vec3 {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
}

function minus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Vec3): Vec3 {
  const length = Math.hypot(...v) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}

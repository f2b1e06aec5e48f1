/** What a headset's hands point at: their rays and buttons for the studio, hall frame. */
import type { RaySample } from "../generated/protocol";
import type { Look } from "../interaction/pointing";
import type { Quat, Vec3 } from "../input/input";
import { PODIUM_HEIGHT_M } from "../scene/frames";
import { joint } from "./conducting_hands";
import { type HeadsetReading, JOINT, type RigidPose, type Side, SIDES, type TrackedHand } from "./reading";

/** A palm that faces the eyes so squarely, with a pinch, opens the menu: bare hands have no buttons. */
const PALM_FACES = 0.75;

export class Pointers {
  private readonly seen: Record<Side, boolean> = { left: false, right: false };
  private readonly pressed: Record<Side, boolean> = { left: false, right: false };
  private last: Look = { eye: [0, 0, 1.85], gaze: [0, 1, 0] };

  /** Where the wearer looks from and to. */
  get look(): Look {
    return this.last;
  }

  /** The hand that points and may show it by a ray. */
  points(side: Side): boolean {
    return this.seen[side];
  }

  /**
   * `batonSide`: the hand that conducts, null where none does. `busy`: the orchestra plays by it and no menu is open;
   * then hands mean the music, and point only while a button is down. A hand that points no more is told once.
   */
  step(reading: HeadsetReading, batonSide: Side | null, busy: boolean): RaySample[] {
    if (reading.head !== null) this.last = { eye: toHall(reading.head.positionM), gaze: towardsHall(ahead(reading.head)) };
    const samples: RaySample[] = [];
    for (const side of SIDES) {
      const hand = reading.hands[side];
      const conducts = side === batonSide;
      const pressed = hand !== null && (means(hand, conducts) || hand.grab || hand.upperButton);
      if (hand !== null && (!busy || pressed || this.pressed[side])) {
        samples.push(this.ray(reading, side, hand, conducts));
        this.seen[side] = true;
      } else {
        if (this.seen[side]) samples.push(nothing(reading.timeS, side));
        this.seen[side] = false;
      }
      this.pressed[side] = pressed;
    }
    return samples;
  }

  private ray(reading: HeadsetReading, side: Side, hand: TrackedHand, conducts: boolean): RaySample {
    const { joints } = hand;
    const palm = joints !== null && reading.head !== null && facing(joints, reading.head.positionM) > PALM_FACES;
    const pressed = means(hand, conducts);
    return {
      client_s: reading.timeS,
      hand: side,
      origin_m: [...toHall(hand.aim.positionM)],
      direction: [...towardsHall(ahead(hand.aim))],
      tip_m: [...toHall(joints === null ? hand.aim.positionM : joint(joints, JOINT.indexTip))],
      select: pressed && !palm,
      grab: hand.grab,
      menu: hand.upperButton || (pressed && palm),
      section: false,
      valid: true,
    };
  }
}

/** Whether the hand's trigger or pinch means something: who holds a stick between thumb and index pinches all the time. */
function means(hand: TrackedHand, conducts: boolean): boolean {
  return hand.select && !(conducts && hand.joints !== null);
}

function nothing(client_s: number, hand: Side): RaySample {
  return { client_s, hand, origin_m: [0, 0, 0], direction: [0, 1, 0], tip_m: null, select: false, grab: false, menu: false, section: false, valid: false };
}

/** −1…1: how squarely the palm (the wrist's −Y) faces a point. */
function facing(joints: Float32Array, eye: Vec3): number {
  const wrist = joint(joints, JOINT.wrist);
  const to: Vec3 = [eye[0] - wrist[0], eye[1] - wrist[1], eye[2] - wrist[2]];
  return -(joints[4]! * to[0] + joints[5]! * to[1] + joints[6]! * to[2]) / (Math.hypot(...to) || 1);
}

function ahead({ orientation: [w, x, y, z] }: { orientation: Quat }): Vec3 {
  return [-2 * (x * z + w * y), -2 * (y * z - w * x), -(1 - 2 * (x * x + y * y))];
}

/** From the tracking frame (Y up, on the podium) to the hall's (Z up, on the stage floor), as `engine.transforms`. */
function toHall([x, y, z]: RigidPose["positionM"]): Vec3 {
  return [x, -z, y + PODIUM_HEIGHT_M];
}

function towardsHall([x, y, z]: Vec3): Vec3 {
  return [x, -z, y];
}

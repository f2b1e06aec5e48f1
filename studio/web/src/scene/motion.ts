/** Turns a part's gesture into the pose of one player, by the kind of instrument. */
import { Quaternion, Vector3 } from "three";
import type { Appearance } from "./appearance";
import type { PartGesture } from "./gesture";
import type { PoseBlend, Rig } from "./rig";

const AXIS_X = new Vector3(1, 0, 0);
const AXIS_Y = new Vector3(0, 1, 0);
const AXIS_Z = new Vector3(0, 0, 1);
const turn = new Quaternion();
const LEFT_POSES = ["left_0", "left_1", "left_2"];
/** MIDI numbers of the lowest strings. */
const LOWEST_STRING: Readonly<Record<string, number>> = { violin: 55, viola: 48, cello: 36, contrabass: 28 };
const BOW_POSES = ["bow_0", "bow_1", "bow_2", "bow_3", "bow_4"];

export interface Surroundings {
  /** Session time that is drawn, seconds. */
  readonly timeS: number;
  /** The phrase's pulse: fractional quarter of the score, so that everybody sways together. */
  readonly quarter: number;
  /** 0 still (reduced motion) … 1. */
  readonly sway: number;
}

/** Blends the player's pose into `blend` (already begun). `model` names the instrument's model, `toConductorRad` is the conductor's bearing, + to the left. */
export function posePlayer(
  blend: PoseBlend,
  model: string,
  rig: Rig,
  gesture: PartGesture,
  look: Appearance,
  around: Surroundings,
  toConductorRad: number,
): void {
  switch (rig.kind) {
    case "bow":
      poseBow(blend, model, gesture, look, around);
      break;
    case "wind":
    case "brass":
      blend.add("rest", gesture.rest);
      break;
    case "strike": {
      const side = gesture.hand > 0 ? "R" : "L";
      blend.add(`up_${side}`, Math.max(0, gesture.strike) * look.vigour);
      blend.add(`hit_${side}`, Math.max(0, -gesture.strike));
      break;
    }
    case "pluck":
    case "keys":
      blend.add(gesture.hand > 0 ? "pluck_R" : "pluck_L", Math.abs(gesture.strike));
      break;
    case "voice":
      blend.add("rest", gesture.rest);
      break;
    case "none":
      break;
  }
  blend.layer("breath", gesture.breath * look.vigour);
  sway(blend, rig, gesture, look, around, toConductorRad);
}

function poseBow(blend: PoseBlend, model: string, gesture: PartGesture, look: Appearance, around: Surroundings): void {
  const shake = gesture.tremolo * 0.035 * Math.sin(around.timeS * 2 * Math.PI * 9 + look.phase);
  const at = Math.min(3.999, Math.max(0, (gesture.bow + shake) * 4));
  const first = Math.floor(at);
  blend.add(BOW_POSES[first]!, 1);
  blend.add(BOW_POSES[first + 1]!, at - first);
  // Off the string first, and only in a long rest down to the lap.
  blend.add("lift", Math.min(1, gesture.rest * 2.2) * (1 - gesture.rest * 0.6));
  blend.add("rest", Math.max(0, gesture.rest * 1.7 - 0.7));
  poseLeftHand(blend, model, gesture, look, around);
}

/** The left hand's place on the fingerboard by pitch, as if the strings were a fifth apart, with vibrato. */
function poseLeftHand(blend: PoseBlend, model: string, gesture: PartGesture, look: Appearance, around: Surroundings): void {
  const above = gesture.pitch - (LOWEST_STRING[model] ?? gesture.pitch);
  const semitones = above < 21 ? ((above % 7) + 7) % 7 : above - 21;
  const vibrato = gesture.rest < 0.2 ? 0.035 * Math.sin(2 * Math.PI * 5.6 * around.timeS + look.phase) : 0;
  const at = Math.min(1.999, Math.max(0, semitones / 8 + vibrato));
  const first = Math.floor(at);
  blend.layer(LEFT_POSES[first]!, 1);
  blend.layer(LEFT_POSES[first + 1]!, at - first);
}

function sway(
  blend: PoseBlend,
  rig: Rig,
  gesture: PartGesture,
  look: Appearance,
  around: Surroundings,
  toConductorRad: number,
): void {
  const size = around.sway * look.vigour;
  const beat = Math.sin(around.quarter * Math.PI + 0.5 * look.phase);
  const slow = Math.sin(around.timeS * 0.55 + look.phase);
  const effort = 0.25 + gesture.level;
  const strings = rig.kind === "bow";
  for (const name of ["body", "body_b"]) {
    const body = rig.index(name);
    blend.turn(body, turn.setFromAxisAngle(AXIS_Z, size * ((strings ? 0.02 : 0.012) * beat * effort + 0.008 * slow)));
    blend.turn(body, turn.setFromAxisAngle(AXIS_X, -size * 0.03 * gesture.level * (strings ? 1 : 0.5)));
    blend.move(body, 0, size * 0.0025 * slow, 0);
  }
  const head = rig.index("head");
  const attention = Math.max(gesture.breath, gesture.entry * 0.6, gesture.rest * 0.5);
  const still = rig.kind === "wind" || rig.kind === "brass" ? gesture.rest : strings ? 0.6 : 1;
  const yaw = Math.max(-0.5, Math.min(0.5, toConductorRad)) * attention * still + 0.05 * slow * still * size;
  blend.turn(head, turn.setFromAxisAngle(AXIS_X, -0.16 * (1 - attention) * still - 0.02 * beat * gesture.level * size));
  blend.turn(head, turn.setFromAxisAngle(AXIS_Y, yaw));
}

/** What the ways to conduct from the page have in common. */
import type { PoseSample, TapSample } from "../generated/protocol";

export type InputKind = "pad" | "tap" | "webcam" | "gamepad" | "phone" | "headset";

/** Where an input's gesture goes; stamps are on the client clock (`clientS`). */
export interface GestureSink {
  /** Poses in the tracking frame, in order. */
  poses(samples: readonly PoseSample[]): void;
  taps(samples: readonly TapSample[]): void;
}

/** A device that conducts while it is started. `panel` is shown meanwhile. */
export interface GestureInput {
  readonly panel: HTMLElement;
  start(): void;
  /** Lets the device go; may be called when it is not started. */
  stop(): void;
  /** Whether this viewer holds the baton: without it the gesture goes nowhere. */
  hold?(holding: boolean): void;
  /** For tests and people who report a fault. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Metres in the tracking frame: X right, Y up, −Z forward. */
export type Vec3 = readonly [x: number, y: number, z: number];
/** Unit quaternion, wxyz. */
export type Quat = readonly [w: number, x: number, y: number, z: number];

/** Where a relaxed hand is: before the chest of a standing adult. The middle of every input that has no height itself. */
export const CENTRE_M: Vec3 = [0.05, 1.15, -0.45];
/** How far from the middle a full deflection reaches. */
export const REACH_M = 0.35;

export function poseSample(client_s: number, device: PoseSample["device"], position: Vec3, orientation: Quat | null, valid: boolean): PoseSample {
  return { client_s, device, position_m: [...position], orientation_wxyz: orientation === null ? null : [...orientation], valid };
}

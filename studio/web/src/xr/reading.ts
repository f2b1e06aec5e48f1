/** What a headset tells in one frame, as plain values: read once from WebXR, used by everything else here. */
import type { Quat, Vec3 } from "../input/input";

export type Side = "left" | "right";
export const SIDES: readonly Side[] = ["left", "right"];

export interface RigidPose {
  readonly positionM: Vec3;
  readonly orientation: Quat;
}

/** WebXR's 25 joints of a hand, in its order: wrist, four of the thumb, five of each finger. */
export const JOINTS = 25;
export const JOINT = { wrist: 0, thumbTip: 4, indexKnuckle: 6, indexDistal: 8, indexTip: 9, middleKnuckle: 11, littleKnuckle: 21 } as const;

export interface TrackedHand {
  readonly side: Side;
  /** The palm: where a rod would be held. */
  readonly grip: RigidPose;
  /** Where the hand points: −Z is the ray. */
  readonly aim: RigidPose;
  /** Joint poses of a bare hand, column-major 4 × 4 each; null for a controller. */
  readonly joints: Float32Array | null;
  readonly radii: Float32Array | null;
  /** Trigger or pinch, grip button. */
  readonly select: boolean;
  readonly grab: boolean;
  /** Thumbstick −1…1 (right, towards oneself), its press, and the two buttons beside it (A or X, B or Y). */
  readonly stick: readonly [number, number];
  readonly stickPressed: boolean;
  readonly lowerButton: boolean;
  readonly upperButton: boolean;
}

/** One frame. Poses are in the tracking frame: floor under the conductor, Y up, −Z towards the orchestra. */
export interface HeadsetReading {
  /** When these poses are true, client clock: the runtime predicts them for the moment the picture is seen. */
  readonly timeS: number;
  readonly head: RigidPose | null;
  readonly hands: Readonly<Record<Side, TrackedHand | null>>;
  /** False while the headset's own menu lies over the hall: hands then mean something else. */
  readonly attended: boolean;
}

/** Which buttons are down: bare hands have no gamepad everywhere, but every source tells select and squeeze events. */
export class HeldButtons {
  readonly selecting = new Set<XRInputSource>();
  readonly squeezing = new Set<XRInputSource>();

  constructor(session: XRSession) {
    session.addEventListener("selectstart", ({ inputSource }) => this.selecting.add(inputSource));
    session.addEventListener("selectend", ({ inputSource }) => this.selecting.delete(inputSource));
    session.addEventListener("squeezestart", ({ inputSource }) => this.squeezing.add(inputSource));
    session.addEventListener("squeezeend", ({ inputSource }) => this.squeezing.delete(inputSource));
    session.addEventListener("inputsourceschange", ({ removed }) => {
      for (const source of removed) {
        this.selecting.delete(source);
        this.squeezing.delete(source);
      }
    });
  }
}

/** Reads one frame. `timeMs` is the frame's own stamp, for runtimes that do not tell when it will be seen. */
export function readFrame(frame: XRFrame, space: XRReferenceSpace, held: HeldButtons, timeMs: number): HeadsetReading {
  const { session } = frame;
  const viewer = frame.getViewerPose(space);
  const hands: Record<Side, TrackedHand | null> = { left: null, right: null };
  const attended = session.visibilityState === "visible";
  for (const source of attended ? session.inputSources : []) {
    if (source.handedness === "none" || hands[source.handedness] !== null) continue;
    hands[source.handedness] = readHand(frame, space, source, held);
  }
  // No value in older typings and runtimes.
  const seenMs = (frame as { predictedDisplayTime?: number }).predictedDisplayTime ?? timeMs;
  return { timeS: (performance.timeOrigin + seenMs) / 1000, head: viewer == null || viewer.emulatedPosition ? null : rigid(viewer.transform), hands, attended };
}

function readHand(frame: XRFrame, space: XRReferenceSpace, source: XRInputSource, held: HeldButtons): TrackedHand | null {
  const aimed = frame.getPose(source.targetRaySpace, space);
  const gripped = source.gripSpace === undefined ? aimed : frame.getPose(source.gripSpace, space);
  // A position that is only guessed (out of the cameras' sight, asleep) is none.
  if (aimed == null || gripped == null || gripped.emulatedPosition) return null;
  const joints = source.hand == null ? null : readJoints(frame, space, source.hand);
  if (source.hand != null && joints === null) return null;
  const { buttons = [], axes = [] } = source.gamepad ?? {};
  const down = (index: number): boolean => buttons[index]?.pressed ?? false;
  return {
    side: source.handedness as Side,
    grip: rigid(gripped.transform),
    aim: rigid(aimed.transform),
    joints: joints?.poses ?? null,
    radii: joints?.radii ?? null,
    select: held.selecting.has(source),
    grab: held.squeezing.has(source),
    stick: [axes[2] ?? 0, axes[3] ?? 0],
    stickPressed: down(3),
    lowerButton: down(4),
    upperButton: down(5),
  };
}

function readJoints(frame: XRFrame, space: XRReferenceSpace, hand: XRHand): { poses: Float32Array; radii: Float32Array } | null {
  const poses = new Float32Array(JOINTS * 16);
  const radii = new Float32Array(JOINTS);
  let joint = 0;
  for (const jointSpace of hand.values()) {
    const pose = frame.getJointPose?.(jointSpace, space);
    if (pose == null || joint >= JOINTS) return null;
    poses.set(pose.transform.matrix, joint * 16);
    radii[joint++] = pose.radius ?? 0.008;
  }
  return joint === JOINTS ? { poses, radii } : null;
}

function rigid({ position, orientation }: XRRigidTransform): RigidPose {
  return { positionM: [position.x, position.y, position.z], orientation: [orientation.w, orientation.x, orientation.y, orientation.z] };
}

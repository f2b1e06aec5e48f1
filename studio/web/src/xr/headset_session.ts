/** A WebXR session from its request to its end: features, reference space, frames. What it shows is not known here. */
import { HeldButtons, type HeadsetReading, readFrame, type RigidPose, type Side } from "./reading";

/** One line for a person. */
export class HeadsetError extends Error {}

export interface HeadsetEvents {
  /** The wearer asked the system to recenter. */
  reset(): void;
  ended(): void;
}

/** Whether a headset can be entered from this page. */
export async function headsetThere(): Promise<boolean> {
  return (await navigator.xr?.isSessionSupported("immersive-vr").catch(() => false)) ?? false;
}

export class HeadsetSession {
  readonly held: HeldButtons;
  private space: XRReferenceSpace;

  private constructor(
    readonly session: XRSession,
    private readonly room: XRReferenceSpace,
    readonly spaceType: "local-floor" | "local",
    events: HeadsetEvents,
  ) {
    this.space = room;
    this.held = new HeldButtons(session);
    room.addEventListener("reset", () => events.reset());
    session.addEventListener("end", () => events.ended());
  }

  /** To be called from a click. Throws `HeadsetError` where the headset does not let us in. */
  static async enter(events: HeadsetEvents): Promise<HeadsetSession> {
    if (navigator.xr === undefined) throw new HeadsetError("This browser has no VR: open the studio's https address in the headset's browser.");
    let session: XRSession;
    try {
      session = await navigator.xr.requestSession("immersive-vr", { optionalFeatures: ["local-floor", "hand-tracking", "layers"] });
    } catch (error) {
      throw new HeadsetError(`The headset did not open (${error instanceof Error ? error.message : String(error)}). Put it on, allow VR for this page, and try again.`);
    }
    try {
      return new HeadsetSession(session, await session.requestReferenceSpace("local-floor"), "local-floor", events);
    } catch {
      // Headsets without a floor have their origin at the eyes.
      return new HeadsetSession(session, await session.requestReferenceSpace("local"), "local", events);
    }
  }

  get floor(): boolean {
    return this.spaceType === "local-floor";
  }

  /** The space in which frames are read and drawn. */
  get tracking(): XRReferenceSpace {
    return this.space;
  }

  /** Puts the tracking frame's origin at a place of the room, from the next frame on. */
  place({ positionM, orientation }: RigidPose): XRReferenceSpace {
    const [w, x, y, z] = orientation;
    const [px, py, pz] = positionM;
    this.space = this.room.getOffsetReferenceSpace(new XRRigidTransform({ x: px, y: py, z: pz }, { x, y, z, w }));
    return this.space;
  }

  read(frame: XRFrame, timeMs: number): HeadsetReading {
    return readFrame(frame, this.space, this.held, timeMs);
  }

  /** A tick in the hand, where the controller can. */
  pulse(side: Side, amplitude: number, durationS: number): void {
    const source = [...this.session.inputSources].find(({ handedness }) => handedness === side);
    const actuator = source?.gamepad?.hapticActuators?.[0] as { pulse?: (value: number, durationMs: number) => Promise<unknown> } | undefined;
    // A controller that went to sleep meanwhile refuses; a tick that is missed is no fault.
    actuator?.pulse?.(amplitude, 1000 * durationS)?.catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.session.end();
  }
}

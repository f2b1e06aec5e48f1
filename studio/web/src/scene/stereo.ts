/** The picture in a headset: two eyes at the scale of the hall, through three.js' WebXR manager. */
import { Group, type Object3D, PerspectiveCamera, type Scene, Vector3, type WebGLRenderer } from "three";
import { PODIUM_HEIGHT_M } from "./frames";
import { Governor } from "./governor";

/** What the wearer sees besides the hall. */
export interface HeadsetPicture {
  /** In the world. */
  readonly group: Object3D;
  /** Goes with the head. */
  readonly hood: Object3D;
  /** Whether the wearer conducts: then no other conductor is drawn. */
  readonly conducting: boolean;
  /** Before each frame is drawn. `eye`: between the eyes, in the world. `dtS`: since the last frame. */
  frame(frame: XRFrame, nowMs: number, eye: Vector3, dtS: number): void;
}

/** Rendered pixels per pixel of the headset, and how much less of them at the edge of sight (0–1). */
const SCALE = { high: 1.2, auto: 1, low: 0.6 } as const;
const FOVEATION = { high: 0.3, auto: 0.6, low: 1 } as const;
/** The governor judges frames as if at this rate. */
const JUDGED_HZ = 60;
const PLAIN_HZ = 72;

export class Stereo {
  /** Both eyes as one, for culling and levels of detail. */
  readonly camera = new PerspectiveCamera(90, 1, 0.05, 220);
  readonly eye = new Vector3();
  private readonly rig = new Group();
  private readonly governor: Governor;
  private picture: HeadsetPicture | null = null;
  private lastMs = 0;
  private rateHz = PLAIN_HZ;

  constructor(
    private readonly renderer: WebGLRenderer,
    private readonly scene: Scene,
    private readonly quality: "auto" | "high" | "low",
    software: boolean,
  ) {
    this.governor = quality === "auto" ? new Governor(software ? 3 : 0) : new Governor(quality === "high" ? 0 : 3, true);
    this.rig.position.y = PODIUM_HEIGHT_M; // the tracking floor is the podium's top
    this.rig.add(this.camera);
  }

  get presenting(): boolean {
    return this.picture !== null;
  }

  get conducting(): boolean {
    return this.picture?.conducting ?? false;
  }

  get detail(): number {
    return this.governor.quality.detail;
  }

  get audience(): boolean {
    return this.governor.quality.audience;
  }

  get frameMs(): number {
    return this.governor.frameMs * (JUDGED_HZ / this.rateHz);
  }

  /** Draws into `session` from now on. Throws what WebGL or WebXR throw. */
  async enter(session: XRSession, spaceType: XRReferenceSpaceType, space: XRReferenceSpace, picture: HeadsetPicture): Promise<void> {
    const { xr } = this.renderer;
    xr.enabled = true;
    xr.cameraAutoUpdate = false; // by us, before the orchestra chooses whom to draw
    xr.setReferenceSpaceType(spaceType);
    xr.setFramebufferScaleFactor(SCALE[this.quality]);
    try {
      await xr.setSession(session);
    } catch (error) {
      xr.enabled = false;
      throw error;
    }
    xr.setReferenceSpace(space);
    xr.setFoveation(FOVEATION[this.quality]);
    this.rateHz = session.frameRate ?? PLAIN_HZ;
    this.picture = picture;
    this.lastMs = 0;
    this.camera.add(picture.hood);
    this.scene.add(this.rig, picture.group);
  }

  /** The wearer stands elsewhere from the next frame on. */
  move(space: XRReferenceSpace): void {
    this.renderer.xr.setReferenceSpace(space);
  }

  /** After the session's end: the window is drawn again. */
  leave(): void {
    if (this.picture === null) return;
    this.camera.remove(this.picture.hood);
    this.scene.remove(this.rig, this.picture.group);
    this.picture = null;
    const { xr } = this.renderer;
    xr.enabled = false;
    xr.setReferenceSpace(null as unknown as XRReferenceSpace); // the next session has a room of its own
  }

  /** Poses the eyes and lets the wearer's things follow. True where the quality changed. */
  begin(frame: XRFrame, nowMs: number): boolean {
    const dtMs = this.lastMs === 0 ? 1000 / this.rateHz : nowMs - this.lastMs;
    this.lastMs = nowMs;
    this.rig.updateMatrixWorld();
    this.renderer.xr.updateCamera(this.camera);
    this.eye.setFromMatrixPosition(this.camera.matrixWorld);
    this.picture?.frame(frame, nowMs, this.eye, Math.min(0.1, dtMs / 1000));
    return this.governor.frame(dtMs * (this.rateHz / JUDGED_HZ));
  }
}

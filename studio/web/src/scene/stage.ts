/** The picture: renderer, hall, orchestra, baton and camera, and the loop that draws them. */
import { type BufferGeometry, Color, Group, type Object3D, PerspectiveCamera, Plane, Raycaster, Scene, SRGBColorSpace, Vector2, Vector3, WebGLRenderer } from "three";
import type { Event as ConcertEvent, PlayerInfo, PoseInfo } from "../generated/protocol";
import { Baton } from "./baton";
import { CameraDirector, type View } from "./cameras";
import { Conductor } from "./conductor";
import { hallToWorld, PODIUM_HEIGHT_M, type Vec3, worldToHall } from "./frames";
import { Governor } from "./governor";
import { buildHall, type Hall } from "./hall";
import { loadHall, loadStageModels, type StageModels } from "./models";
import { Ovation } from "./ovation";
import { Orchestra } from "./players";
import { PoseTrack } from "./poses";
import { type HeadsetPicture, Stereo } from "./stereo";

/** What the loop asks of the rest of the page at each frame. */
export interface StageClock {
  /** Session time to draw, seconds. */
  timeS(): number;
  /** Score time there, quarters: the orchestra sways by it. */
  quarter(): number;
}

/** One's own pointer while conducting: −1…1 over the shorter side, x right, y up. */
export interface HandPosition {
  readonly x: number;
  readonly y: number;
}

const BACKGROUND = new Color(0.008, 0.006, 0.005);
/** Beyond the sky over a meadow. */
export const FAR_M = 220;
/** Distance in front of the eye at which one's own baton is held, metres. */
const REACH_M = 1.15;
/** Below this, in device pixels per CSS pixel, nobody recognises an instrument; rather fewer frames. */
const LEAST_PIXEL_RATIO = 0.4;

export class Stage {
  readonly cameras: CameraDirector;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(50, 1, 0.08, FAR_M);
  private readonly governor: Governor;
  private readonly stereo: Stereo;
  private ownProps: ReadonlyMap<string, BufferGeometry> = new Map();
  private readonly root = new Group();
  private orchestra: Orchestra | null = null;
  private hall: Hall | null = null;
  /** The picture of the hall that is shown. */
  shown = "";
  /** The one that is shown or on its way. */
  private picture = "";
  private entering: Promise<void> = Promise.resolve();
  /** How much of players and hall is loaded, 0–1. */
  private readonly loaded = { players: 0, hall: 0 };
  private report: (share: number) => void = () => undefined;
  private base = "";
  private readonly ovation = new Ovation();
  /** How many of the audience clap, 0–1. */
  private clapping = 0;
  private baton: Baton | null = null;
  private conductor: Conductor | null = null;
  private placements: readonly PlayerInfo[] = [];
  private readonly tracks = { baton: new PoseTrack(), left: new PoseTrack(), head: new PoseTrack() };
  private hand: HandPosition | null = null;
  private ownHand = false;
  private lastMs = 0;
  private skipped = 0;
  private drawn = 0;
  /** Time in this page's own code a frame, without the GPU's. */
  private scriptMs = 0;
  /** The part of it before anything is handed to the GPU. */
  private updateMs = 0;
  /** The window changed while nothing was drawn into it. */
  private resized = false;
  private width = 1;
  private height = 1;
  private covered = 0;
  private readonly ray = new Raycaster();
  private readonly plane = new Plane();
  private readonly point = new Vector3();
  private readonly away = new Vector3();
  private readonly pointer = new Vector2();

  /** Throws where the browser has no WebGL 2. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly clock: StageClock,
    private readonly still: () => boolean,
    quality: "auto" | "high" | "low" = "auto",
  ) {
    const software = drawsInSoftware();
    const antialias = quality === "high" || (quality === "auto" && !software);
    this.renderer = new WebGLRenderer({ canvas, antialias, powerPreference: "high-performance", alpha: false });
    this.renderer.outputColorSpace = SRGBColorSpace;
    // Software renderers start low: their first pictures would take seconds otherwise.
    this.governor = quality === "auto" ? new Governor(software ? 4 : 0) : new Governor(quality === "high" ? 0 : 5, true);
    this.stereo = new Stereo(this.renderer, this.scene, quality, software);
    this.scene.background = BACKGROUND;
    this.scene.add(this.root);
    this.cameras = new CameraDirector(this.camera, canvas, still);
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  /** Loads the players, and the hall called `picture` once that is known; then it draws. `report` hears the loaded share
   * 0–1. */
  async start(base: string, picture: Promise<string>, report: (share: number) => void): Promise<void> {
    this.base = base;
    this.report = report;
    const [models] = await Promise.all([
      loadStageModels(base, (share) => this.load("players", share)),
      picture.then((name) => this.enter(name)),
    ]);
    this.report = () => undefined;
    this.build(models);
    this.renderer.setAnimationLoop((nowMs: number, frame?: XRFrame) => (frame === undefined ? this.frame(nowMs) : this.headsetFrame(nowMs, frame)));
  }

  /** Shows another hall as soon as it is loaded; until then the last one. Fails as fetching does. */
  enter(picture: string): Promise<void> {
    if (picture !== this.picture) this.entering = this.change(this.picture, picture);
    return this.entering;
  }

  private async change(before: string, picture: string): Promise<void> {
    this.picture = picture;
    let loaded: Group;
    try {
      loaded = await loadHall(this.base, picture, (share) => this.load("hall", share));
    } catch (error) {
      if (this.picture === picture) this.picture = before;
      throw error;
    }
    if (this.picture !== picture) return; // they went on to a third one meanwhile
    const hall = buildHall(loaded, this.renderer.capabilities.getMaxAnisotropy());
    hall.setAudience(this.stereo.presenting ? this.stereo.audience : this.governor.quality.audience);
    if (this.hall !== null) {
      this.root.remove(this.hall.group);
      this.hall.dispose();
    }
    this.hall = hall;
    this.shown = picture;
    this.cameras.stayWithin(hall.room, hall.leastHeight);
    this.root.add(hall.group);
  }

  place(placements: readonly PlayerInfo[]): void {
    this.placements = placements;
    this.orchestra?.place(placements);
  }

  /** What is played is seen; at applause the audience claps, and the orchestra stands up. */
  event(event: ConcertEvent): void {
    switch (event.kind) {
      case "NoteOn":
        this.orchestra?.add(event);
        this.ovation.end();
        break;
      case "NoteOff":
        this.orchestra?.release(event);
        break;
      case "Applause":
        this.hall?.clapping.begin(event);
        this.ovation.begin(event);
        break;
      case "Silence":
        this.silence();
    }
  }

  silence(): void {
    this.orchestra?.clear();
  }

  pose(pose: PoseInfo): void {
    this.tracks[pose.device].add(pose);
  }

  /** Forgets gesture and notes: another session, or a line that was lost. */
  reset(): void {
    this.silence();
    this.hall?.clapping.end();
    this.ovation.end();
    for (const track of Object.values(this.tracks)) track.clear();
  }

  /** The viewer's own hand, drawn without delay; null where someone else conducts. `holding`: they hold the baton. */
  conduct(holding: boolean, hand: HandPosition | null): void {
    this.ownHand = holding;
    this.hand = hand;
  }

  /** Height in CSS pixels at the bottom that the controls cover: the picture is centred in what is free. */
  setCovered(heightPx: number): void {
    this.covered = heightPx;
  }

  look(view: View): void {
    this.cameras.go(view);
  }

  /** What is drawn for somebody's hands: panels, lasers, marks. */
  add(drawn: Object3D): void {
    this.root.add(drawn);
  }

  /** Lights the players whom somebody points at. */
  light(players: ReadonlySet<number>): void {
    this.orchestra?.light(players);
  }

  /** The ray through a place of the window, hall frame; null where the picture is not. */
  rayAt(clientX: number, clientY: number): { origin: Vec3; direction: Vec3 } | null {
    const box = this.canvas.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) return null;
    this.pointer.set((2 * (clientX - box.left)) / box.width - 1, 1 - (2 * (clientY - box.top)) / box.height);
    this.ray.setFromCamera(this.pointer, this.camera);
    return { origin: worldToHall(this.ray.ray.origin), direction: worldToHall(this.ray.ray.direction) };
  }

  /** Where in the window a point of the hall is, CSS pixels. */
  placeOf(point: Vec3): [x: number, y: number] {
    const box = this.canvas.getBoundingClientRect();
    hallToWorld(point, this.point).project(this.camera);
    return [box.left + ((this.point.x + 1) / 2) * box.width, box.top + ((1 - this.point.y) / 2) * box.height];
  }

  /** Where the picture is seen from and which way, hall frame. */
  look3d(): { eye: Vec3; gaze: Vec3 } {
    this.camera.getWorldDirection(this.away);
    return { eye: worldToHall(this.camera.position), gaze: worldToHall(this.away) };
  }

  /** Hands, baton and stand of a conductor, as geometries. */
  get props(): ReadonlyMap<string, BufferGeometry> {
    return this.ownProps;
  }

  /** Draws into a headset until `leaveHeadset`. Throws what WebGL or WebXR throw. */
  async enterHeadset(session: XRSession, spaceType: XRReferenceSpaceType, space: XRReferenceSpace, picture: HeadsetPicture): Promise<void> {
    await this.stereo.enter(session, spaceType, space, picture);
  }

  /** The wearer stands elsewhere: `space` has the podium's top as its floor. */
  moveHeadset(space: XRReferenceSpace): void {
    this.stereo.move(space);
  }

  leaveHeadset(): void {
    this.stereo.leave();
    this.lastMs = 0;
    this.hall?.setAudience(this.governor.quality.audience);
    this.resized = true; // three.js may be leaving still
  }

  /** For tests and for people who report a slow picture. */
  diagnostics(): Record<string, number> {
    return {
      drawn: this.drawn,
      frameMs: this.governor.frameMs,
      scriptMs: this.scriptMs,
      updateMs: this.updateMs,
      headsetFrameMs: this.stereo.presenting ? this.stereo.frameMs : 0,
      resolution: this.governor.quality.resolution,
      players: this.orchestra?.size ?? 0,
      standing: this.orchestra?.standing ?? 0,
      clapping: this.clapping,
      playerTriangles: this.orchestra?.triangles ?? 0,
      triangles: this.renderer.info.render.triangles,
      calls: this.renderer.info.render.calls,
    };
  }

  private build(models: StageModels): void {
    this.orchestra = new Orchestra(models.players);
    this.orchestra.place(this.placements);
    this.ownProps = models.props;
    this.baton = new Baton(models.props.get("hand_R_baton") ?? null);
    const figure = models.players.get("conductor");
    if (figure !== undefined) this.conductor = new Conductor(figure);
    this.root.add(this.orchestra.group, this.baton.group);
    if (this.conductor !== null) this.root.add(this.conductor.group);
    this.resize();
  }

  private load(what: "players" | "hall", share: number): void {
    this.loaded[what] = share;
    this.report((this.loaded.players + this.loaded.hall) / 2);
  }

  private frame(nowMs: number): void {
    const startMs = performance.now();
    const quality = this.governor.quality;
    if (this.resized) this.resize();
    this.skipped += 1;
    if (this.skipped < quality.every) return;
    const dtMs = this.lastMs === 0 ? 16 : nowMs - this.lastMs;
    this.lastMs = nowMs;
    if (this.governor.frame(dtMs / this.skipped, this.scriptMs)) {
      this.hall?.setAudience(this.governor.quality.audience);
      this.resize();
    }
    this.skipped = 0;
    this.cameras.update(Math.min(0.5, dtMs / 1000), this.width / this.height);
    this.camera.setViewOffset(this.width, this.height, 0, this.covered / 2, this.width, this.height);
    const timeS = this.clock.timeS();
    this.drawHands(timeS, this.camera.position, this.nearPodium());
    this.render(startMs, timeS, this.camera, quality.detail);
  }

  private headsetFrame(nowMs: number, frame: XRFrame): void {
    const startMs = performance.now();
    if (!this.stereo.presenting) return;
    if (this.stereo.begin(frame, nowMs)) this.hall?.setAudience(this.stereo.audience);
    const timeS = this.clock.timeS();
    if (this.stereo.conducting) {
      this.baton?.hide();
      if (this.conductor !== null) this.conductor.group.visible = false;
    } else this.drawHands(timeS, this.stereo.eye, false);
    this.render(startMs, timeS, this.stereo.camera, this.stereo.detail);
  }

  private render(startMs: number, timeS: number, camera: PerspectiveCamera, detail: number): void {
    this.orchestra?.update({ timeS, quarter: this.clock.quarter(), sway: this.still() ? 0.25 : 1 }, this.ovation, camera, detail);
    this.clapping = this.hall?.clapping.update(timeS) ?? 0;
    const updatedMs = performance.now();
    this.renderer.render(this.scene, camera);
    this.drawn += 1;
    this.updateMs += (updatedMs - startMs - this.updateMs) * 0.1;
    this.scriptMs += (performance.now() - startMs - this.scriptMs) * 0.1;
  }

  private drawHands(timeS: number, eye: Vector3, atPodium: boolean): void {
    const own = this.ownHand ? this.hand : null;
    const shown = own !== null ? { positionM: this.handPosition(own, atPodium), orientation: null } : this.tracks.baton.at(timeS);
    if (shown === null) this.baton?.hide();
    else this.baton?.move(shown.positionM, shown.orientation, performance.now() / 1000, eye, atPodium);
    this.conductor?.update(shown === null ? null : this.baton!.grip, timeS, !atPodium);
  }

  private nearPodium(): boolean {
    return Math.hypot(this.camera.position.x, this.camera.position.z) < 0.75 && this.camera.position.y < 2.6;
  }

  /** Where one's own hand is: under the pointer as seen from the podium, before the figure's chest from elsewhere. */
  private handPosition(hand: HandPosition, atPodium: boolean): Vec3 {
    if (!atPodium) return pointerToTracking(hand);
    const short = Math.min(this.width, this.height);
    this.pointer.set((hand.x * short) / this.width, (hand.y * short) / this.height);
    this.ray.setFromCamera(this.pointer, this.camera);
    this.camera.getWorldDirection(this.away);
    this.plane.setFromNormalAndCoplanarPoint(this.away, this.point.copy(this.camera.position).addScaledVector(this.away, REACH_M));
    this.ray.ray.intersectPlane(this.plane, this.point);
    return [this.point.x, this.point.y - PODIUM_HEIGHT_M, this.point.z];
  }

  private resize(): void {
    this.resized = this.stereo.presenting; // the headset has a size of its own
    if (this.resized) return;
    this.width = Math.max(1, this.canvas.clientWidth);
    this.height = Math.max(1, this.canvas.clientHeight);
    this.renderer.setPixelRatio(Math.max(LEAST_PIXEL_RATIO, Math.min(2, devicePixelRatio) * this.governor.quality.resolution));
    this.renderer.setSize(this.width, this.height, false);
  }
}

/** Where the engine puts a pointer in the tracking frame (`PointerSource`): a vertical plane before the chest. */
const POINTER_CENTRE_M: Vec3 = [0.05, 1.15, -0.45];
const POINTER_REACH_M = 0.35;

export function pointerToTracking(hand: HandPosition): Vec3 {
  const [x, y, z] = POINTER_CENTRE_M;
  return [x + POINTER_REACH_M * hand.x, y + POINTER_REACH_M * hand.y, z];
}

/** Whether WebGL has no graphics card behind it. Throws where there is no WebGL 2 at all. */
function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (gl === null) throw new Error("WebGL 2 is missing");
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(info === null ? gl.getParameter(gl.RENDERER) : gl.getParameter(info.UNMASKED_RENDERER_WEBGL));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

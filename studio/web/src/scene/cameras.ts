/** Places to watch from, with soft journeys between them. */
import { Box3, MathUtils, type PerspectiveCamera, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

export type View = "podium" | "audience" | "balcony" | "orbit";

export const VIEWS: readonly { readonly view: View; readonly label: string }[] = [
  { view: "podium", label: "Podium" },
  { view: "audience", label: "Audience" },
  { view: "balcony", label: "Balcony" },
  { view: "orbit", label: "Free" },
];

interface Shot {
  readonly eye: Vector3;
  readonly target: Vector3;
  /** Horizontal field of view at 16:9, degrees; narrow screens keep the stage's middle in view. */
  readonly fovDeg: number;
}

const shot = (eye: [number, number, number], target: [number, number, number], fovDeg: number): Shot => ({
  eye: new Vector3(...eye),
  target: new Vector3(...target),
  fovDeg,
});

const SHOTS: Readonly<Record<View, Shot>> = {
  podium: shot([0, 2.0, 0.35], [0, 0.95, -5.4], 76),
  audience: shot([1.7, 1.1, 11.5], [0.2, 2.2, -5], 60),
  balcony: shot([-6.4, 5.3, 6.2], [0.9, 0.9, -4.6], 58),
  orbit: shot([5.2, 3.1, 5.4], [0, 0.9, -3.6], 62),
};

/** The display's programme: where the automatic camera goes, and how far it drifts in one shot. */
const PROGRAMME: readonly { readonly from: Shot; readonly to: Shot; readonly lastsS: number }[] = [
  { from: shot([0, 4.6, 20], [0, 3.4, -6], 62), to: shot([0, 4.0, 15], [0, 2.8, -6], 62), lastsS: 18 },
  { from: shot([-6.4, 5.3, 6.2], [0.9, 0.9, -4.6], 58), to: shot([-5.4, 4.7, 5.2], [1.1, 0.9, -4.6], 54), lastsS: 14 },
  { from: shot([-1.2, 1.9, 1.5], [2.6, 0.9, -4.2], 60), to: shot([-0.3, 1.9, 1.5], [3.0, 0.9, -3.6], 60), lastsS: 13 },
  { from: shot([5.8, 3.4, 4.6], [-0.8, 0.9, -4.2], 56), to: shot([4.8, 3.2, 4.9], [-0.8, 0.9, -4.2], 54), lastsS: 14 },
  { from: shot([1.2, 2.0, 1.2], [-2.8, 0.9, -3.6], 60), to: shot([0.4, 2.0, 1.4], [-2.8, 0.9, -4.2], 60), lastsS: 13 },
];

const JOURNEY_S = 1.3;
/** Cameras keep so far from walls, metres. */
const WALL_M = 0.4;
/** Where the free view may go in the largest hall. */
const REACH = new Box3(new Vector3(-8.8, 0.35, -10), new Vector3(8.8, 14, 34));

export class CameraDirector {
  private view: View = "audience";
  private automatic = false;
  private held = false;
  private readonly controls: OrbitControls;
  private readonly target = new Vector3();
  private readonly fromEye = new Vector3();
  private readonly fromTarget = new Vector3();
  private fromFov = 60;
  private fovDeg = 60;
  private journey = 1;
  private programme = 0;
  private programmeS = 0;
  private readonly room = new Box3(new Vector3().setScalar(-Infinity), new Vector3().setScalar(Infinity));
  private leastHeight: (z: number) => number = () => -Infinity;

  constructor(
    private readonly camera: PerspectiveCamera,
    canvas: HTMLElement,
    private readonly still: () => boolean,
  ) {
    this.controls = new OrbitControls(camera, canvas);
    this.controls.enabled = false;
    this.controls.enableDamping = true;
    this.controls.minDistance = 1.5;
    this.controls.maxDistance = 26;
    this.controls.maxPolarAngle = Math.PI * 0.52;
    this.controls.enablePan = false;
    this.cut(SHOTS.audience);
  }

  /** While held, a drag does not turn the free view: it does something else. */
  hold(held: boolean): void {
    this.held = held;
    this.controls.enabled = !held && this.view === "orbit" && this.journey === 1;
  }

  /**
   * The walls of the hall, and how high one must be over its rows; a view that lies beyond the walls of a small one is
   * taken from the wall.
   */
  stayWithin(room: Box3, leastHeight: (z: number) => number): void {
    this.room.copy(room).expandByScalar(-WALL_M);
    this.leastHeight = leastHeight;
    if (this.journey === 1 && !this.automatic && this.view !== "orbit") this.cut(SHOTS[this.view]);
  }

  get current(): View {
    return this.view;
  }

  /** Goes to a view: softly, or at once where the person wants less motion. */
  go(view: View): void {
    this.view = view;
    this.automatic = false;
    this.controls.enabled = false;
    this.fromEye.copy(this.camera.position);
    this.fromTarget.copy(this.target);
    this.fromFov = this.fovDeg;
    this.journey = this.still() ? 1 : 0;
    if (this.journey === 1) this.arrive();
  }

  /** The display's camera: shot after shot. */
  direct(): void {
    this.automatic = true;
    this.programme = 0;
    this.programmeS = 0;
  }

  /** Moves the camera by `dtS` seconds of the page's clock. `aspect`: width / height. */
  update(dtS: number, aspect: number): void {
    if (this.automatic) this.perform(dtS);
    else if (this.journey < 1) this.travel(dtS);
    else if (this.view === "orbit") {
      this.controls.update();
      this.target.copy(this.controls.target);
      this.keepInside();
    }
    // Shots are framed for 16:9. Taller screens see more above and below, and a little less at the sides.
    const horizontal = Math.tan(MathUtils.degToRad(this.fovDeg) / 2);
    const widened = aspect < 16 / 9 ? horizontal * Math.max(0.42, Math.sqrt(aspect / (16 / 9))) : horizontal;
    const vertical = 2 * MathUtils.radToDeg(Math.atan(widened / aspect));
    const clipped = Math.min(78, vertical);
    if (Math.abs(this.camera.fov - clipped) > 0.01 || this.camera.aspect !== aspect) {
      this.camera.fov = clipped;
      this.camera.aspect = aspect;
      this.camera.updateProjectionMatrix();
    }
    this.camera.updateMatrixWorld();
  }

  private travel(dtS: number): void {
    this.journey = Math.min(1, this.journey + dtS / JOURNEY_S);
    const t = this.journey * this.journey * (3 - 2 * this.journey);
    const to = SHOTS[this.view];
    this.standAt(this.camera.position.lerpVectors(this.fromEye, to.eye, t));
    this.target.lerpVectors(this.fromTarget, to.target, t);
    this.fovDeg = MathUtils.lerp(this.fromFov, to.fovDeg, t);
    this.camera.lookAt(this.target);
    if (this.journey === 1) this.arrive();
  }

  private arrive(): void {
    this.cut(SHOTS[this.view]);
    if (this.view === "orbit") {
      this.controls.target.copy(this.target);
      this.controls.enabled = !this.held;
    }
  }

  private perform(dtS: number): void {
    this.programmeS += dtS;
    let scene = PROGRAMME[this.programme]!;
    if (this.programmeS > scene.lastsS) {
      this.programmeS = 0;
      this.programme = (this.programme + 1) % PROGRAMME.length;
      scene = PROGRAMME[this.programme]!;
    }
    const t = this.still() ? 0 : this.programmeS / scene.lastsS;
    this.standAt(this.camera.position.lerpVectors(scene.from.eye, scene.to.eye, t));
    this.target.lerpVectors(scene.from.target, scene.to.target, t);
    this.fovDeg = MathUtils.lerp(scene.from.fovDeg, scene.to.fovDeg, t);
    this.camera.lookAt(this.target);
  }

  private cut(to: Shot): void {
    this.journey = 1;
    this.standAt(to.eye);
    this.target.copy(to.target);
    this.fovDeg = to.fovDeg;
    this.camera.lookAt(this.target);
  }

  private standAt(eye: Vector3): void {
    const p = this.room.clampPoint(eye, this.camera.position);
    p.y = Math.max(p.y, this.leastHeight(p.z));
  }

  private keepInside(): void {
    const p = this.camera.position;
    this.standAt(REACH.clampPoint(p, p));
  }
}

/** The conductor's hand and baton, with a short trail of the tip. */
import {
  AdditiveBlending,
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  DoubleSide,
  DynamicDrawUsage,
  Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  Quaternion,
  SphereGeometry,
  Vector3,
} from "three";
import { CONDUCTOR_TINTS } from "./appearance";
import { Figure } from "./figure";
import { trackingToWorld, type Quat, type Vec3 } from "./frames";

const BATON_M = 0.36;
const TRAIL_POINTS = 40;
const TRAIL_S = 0.42;
const TRAIL_WIDTH_M = 0.009;
const FORWARD = new Vector3(0, 0, -1);
/** A baton held without known orientation points forward, up and a little to the left. */
const HELD = new Quaternion().setFromUnitVectors(FORWARD, new Vector3(-0.22, 0.42, -0.88).normalize());

export class Baton {
  readonly group = new Group();
  private readonly stick = new Group();
  private hand: Figure | null = null;
  private readonly trail: Mesh<BufferGeometry, MeshBasicMaterial>;
  private readonly points: { at: Vector3; timeS: number }[] = [];
  private readonly tip = new Vector3();
  private readonly side = new Vector3();
  private readonly view = new Vector3();

  /** `hand`: geometry of the hand that holds the baton, or null to draw a baton alone. */
  constructor(hand: BufferGeometry | null) {
    this.stick.add(plainBaton());
    if (hand !== null) {
      this.hand = new Figure(hand);
      this.hand.place(new Vector3(), 0);
      this.hand.tint(CONDUCTOR_TINTS.skin, CONDUCTOR_TINTS.hair, CONDUCTOR_TINTS.shirt);
      this.group.add(this.hand.group);
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(TRAIL_POINTS * 6), 3).setUsage(DynamicDrawUsage));
    geometry.setAttribute("color", new BufferAttribute(new Float32Array(TRAIL_POINTS * 6), 3).setUsage(DynamicDrawUsage));
    const index: number[] = [];
    for (let i = 0; i < TRAIL_POINTS - 1; i++) index.push(2 * i, 2 * i + 1, 2 * i + 2, 2 * i + 1, 2 * i + 3, 2 * i + 2);
    geometry.setIndex(index);
    this.trail = new Mesh(
      geometry,
      new MeshBasicMaterial({ vertexColors: true, transparent: true, blending: AdditiveBlending, depthWrite: false, side: DoubleSide, toneMapped: false }),
    );
    this.trail.frustumCulled = false;
    this.group.add(this.stick, this.trail);
    this.group.visible = false;
  }

  /** World position of the grip after the last `move`. */
  get grip(): Vector3 {
    return this.stick.position;
  }

  hide(): void {
    this.group.visible = false;
    this.points.length = 0;
  }

  /** Moves the grip to a pose of the tracking frame. `eye` is who looks, in the world; `ownEyes`: it is the conductor,
   * who sees the hand that holds it. */
  move(positionM: Vec3, orientation: Quat | null, timeS: number, eye: Vector3, ownEyes: boolean): void {
    this.group.visible = true;
    if (this.hand !== null) {
      this.hand.group.visible = ownEyes;
      this.stick.visible = !ownEyes;
    }
    trackingToWorld(positionM, this.stick.position);
    if (orientation === null) this.stick.quaternion.copy(HELD);
    else this.stick.quaternion.set(orientation[1], orientation[2], orientation[3], orientation[0]);
    this.tip.copy(FORWARD).multiplyScalar(BATON_M).applyQuaternion(this.stick.quaternion).add(this.stick.position);
    const last = this.points[this.points.length - 1];
    if (last === undefined || timeS > last.timeS + 0.004) this.points.push({ at: this.tip.clone(), timeS });
    while (this.points.length > TRAIL_POINTS || (this.points[0] !== undefined && this.points[0].timeS < timeS - TRAIL_S)) this.points.shift();
    this.poseHand();
    this.drawTrail(timeS, eye);
  }

  private poseHand(): void {
    if (this.hand === null) return;
    this.stick.updateMatrix();
    const e = this.stick.matrix.elements;
    for (let row = 0; row < 3; row++) for (let column = 0; column < 4; column++) this.hand.row[row * 4 + column] = e[column * 4 + row]!;
    this.hand.touch();
  }

  private drawTrail(timeS: number, eye: Vector3): void {
    const position = this.trail.geometry.getAttribute("position") as BufferAttribute;
    const colour = this.trail.geometry.getAttribute("color") as BufferAttribute;
    const n = this.points.length;
    for (let i = 0; i < TRAIL_POINTS; i++) {
      const point = this.points[Math.min(i, n - 1)];
      if (point === undefined) continue;
      const before = this.points[Math.max(0, Math.min(i, n - 1) - 1)]!;
      const after = this.points[Math.min(n - 1, i + 1)]!;
      const fresh = i < n ? Math.max(0, 1 - (timeS - point.timeS) / TRAIL_S) : 0;
      this.view.copy(eye).sub(point.at);
      this.side.copy(after.at).sub(before.at).cross(this.view).setLength(TRAIL_WIDTH_M * (0.3 + 0.7 * fresh));
      if (!Number.isFinite(this.side.x)) this.side.set(0, 0, 0);
      position.setXYZ(2 * i, point.at.x + this.side.x, point.at.y + this.side.y, point.at.z + this.side.z);
      position.setXYZ(2 * i + 1, point.at.x - this.side.x, point.at.y - this.side.y, point.at.z - this.side.z);
      const glow = 0.75 * fresh * fresh;
      colour.setXYZ(2 * i, glow, 0.82 * glow, 0.5 * glow);
      colour.setXYZ(2 * i + 1, glow, 0.82 * glow, 0.5 * glow);
    }
    position.needsUpdate = colour.needsUpdate = true;
  }
}

function plainBaton(): Object3D {
  const group = new Group();
  const stick = new Mesh(
    new CylinderGeometry(0.0016, 0.0034, BATON_M, 8).rotateX(-Math.PI / 2).translate(0, 0, -BATON_M / 2),
    new MeshBasicMaterial({ color: 0xf4ead6, toneMapped: false }),
  );
  const grip = new Mesh(new SphereGeometry(0.009, 12, 8).scale(1, 1, 2.1), new MeshBasicMaterial({ color: 0x7a5230, toneMapped: false }));
  group.add(stick, grip);
  return group;
}

/** What the studio made of one's pointing, in the hall: panels, lasers, rings on the floor. */
import { BufferGeometry, DoubleSide, Float32BufferAttribute, Group, Mesh, MeshBasicMaterial, RingGeometry, SphereGeometry, Vector3 } from "three";
import type { DragInfo, Interaction, PanelInfo, RayInfo } from "../generated/protocol";
import { hallToWorld } from "../scene/frames";
import { PanelBoard } from "./panel_board";

const LASER = 0xffd685;
const FREE = 0xa8db85;
const ASIDE = 0xf79e47;
const WAS = 0xf5ede0;
const RING_M = 0.42;
const ABOVE_FLOOR_M = 0.03;
/** Half the width of a laser, metres, and the size of its spot by the distance. */
const BEAM_M = 0.0025;
const SPOT_RAD = 0.006;
const KEYS: readonly PanelInfo["panel"][] = ["label", "menu", "card"];

/** Where the hands with lasers are now, in the world; a mouse has none. */
export type HandOrigins = Partial<Record<"left" | "right", Vector3>>;

export class InteractionView {
  readonly group = new Group();
  private readonly boards = new Map(KEYS.map((key) => [key, new PanelBoard(key)]));
  private readonly beams = { left: new Beam(), right: new Beam() };
  private readonly marks = new Group();
  private rays: readonly RayInfo[] = [];
  private marked = "";

  constructor() {
    for (const board of this.boards.values()) this.group.add(board.mesh);
    this.group.add(this.marks, this.beams.left.group, this.beams.right.group);
  }

  /** The newest message; null where nobody points any more. */
  show(message: Interaction | null): void {
    for (const [key, board] of this.boards) board.show(message?.panels.find(({ panel }) => panel === key) ?? null);
    this.rays = message?.rays ?? [];
    const drags = message?.drags ?? [];
    const content = JSON.stringify(drags);
    if (content !== this.marked) {
      this.marked = content;
      this.mark(drags);
    }
  }

  /** Draws the lasers from where the hands are now; call it at each picture while there are hands. */
  update(origins: HandOrigins): void {
    for (const hand of ["left", "right"] as const) {
      this.beams[hand].show(origins[hand] ?? null, this.rays.find((ray) => ray.hand === hand) ?? null);
    }
  }

  dispose(): void {
    for (const board of this.boards.values()) board.dispose();
    this.mark([]);
    this.group.removeFromParent();
  }

  private mark(drags: readonly DragInfo[]): void {
    for (const child of this.marks.children) {
      const { geometry, material } = child as Mesh<BufferGeometry, MeshBasicMaterial>;
      geometry.dispose();
      material.dispose();
    }
    this.marks.clear();
    for (const drag of drags) {
      this.ring(drag.from_m, 0.8 * RING_M, 0.02, WAS, 0.45);
      this.ring(drag.to_m, RING_M, 0.05, drag.moved_aside ? ASIDE : FREE, 0.95);
    }
  }

  private ring(place: DragInfo["to_m"], radius: number, width: number, colour: number, opacity: number): void {
    const material = new MeshBasicMaterial({ color: colour, opacity, transparent: true, depthWrite: false, side: DoubleSide, toneMapped: false });
    const ring = new Mesh(new RingGeometry(radius - width / 2, radius + width / 2, 40), material);
    hallToWorld(place, ring.position);
    ring.position.y += ABOVE_FLOOR_M;
    ring.rotation.x = -Math.PI / 2;
    ring.renderOrder = 20;
    this.marks.add(ring);
  }
}

/** A laser as two crossed ribbons that fade towards their end, and the spot there. */
class Beam {
  readonly group = new Group();
  private readonly line: Mesh<BufferGeometry, MeshBasicMaterial>;
  private readonly spot: Mesh;
  private readonly end = new Vector3();

  constructor() {
    const geometry = new BufferGeometry();
    const corners = [-1, 0, 0, 1, 0, 0, 1, 0, -1, -1, 0, -1, 0, -1, 0, 0, 1, 0, 0, 1, -1, 0, -1, -1];
    geometry.setAttribute("position", new Float32BufferAttribute(corners, 3));
    geometry.setAttribute("color", new Float32BufferAttribute(new Array(8).fill(0).flatMap((_, i) => [1, 1, 1, i % 4 < 2 ? 0.85 : 0.3]), 4));
    geometry.setIndex([0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]);
    this.line = new Mesh(geometry, new MeshBasicMaterial({ color: LASER, transparent: true, vertexColors: true, depthWrite: false, side: DoubleSide, toneMapped: false }));
    this.spot = new Mesh(new SphereGeometry(1, 12, 8), new MeshBasicMaterial({ color: LASER, depthTest: false, transparent: true, toneMapped: false }));
    this.line.renderOrder = 930;
    this.spot.renderOrder = 931;
    this.line.frustumCulled = this.spot.frustumCulled = false;
    this.group.add(this.line, this.spot);
    this.group.visible = false;
  }

  show(origin: Vector3 | null, ray: RayInfo | null): void {
    this.group.visible = origin !== null && ray !== null;
    if (origin === null || ray === null) return;
    hallToWorld(ray.end_m, this.end);
    const length = Math.max(0.001, origin.distanceTo(this.end));
    this.line.position.copy(origin);
    // An object that is no camera looks along +Z; the beam lies along −Z.
    this.line.lookAt(this.line.position.clone().multiplyScalar(2).sub(this.end));
    this.line.scale.set(BEAM_M, BEAM_M, length);
    this.spot.position.copy(this.end);
    this.spot.scale.setScalar(SPOT_RAD * length * 0.5);
    this.spot.visible = ray.on !== "nothing";
  }
}

/** The orchestra: every player instanced, posed each frame through one texture, in the level of detail that shows. */
import {
  DataTexture,
  Frustum,
  Group,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  type InstancedMesh,
  Matrix4,
  Mesh,
  type MeshBasicMaterial,
  NearestFilter,
  type PerspectiveCamera,
  RGBAFormat,
  type ShaderMaterial,
  Sphere,
  Vector3,
  FloatType,
} from "three";
import type { NoteOff, NoteOn, PlayerInfo } from "../generated/protocol";
import { appearanceOf, type Appearance } from "./appearance";
import { hallToWorld } from "./frames";
import { PartLine, restingGesture } from "./gesture";
import type { PlayerModel } from "./models";
import { posePlayer, type Surroundings } from "./motion";
import { type Ovation, stand } from "./ovation";
import { PLACE_TEXEL, playerMaterial, ROW_TEXELS } from "./player_material";
import { PoseBlend } from "./rig";
import { shadowBlobs, shadowMaterial } from "./shadows";

interface Player {
  readonly placement: PlayerInfo;
  readonly model: PlayerModel;
  readonly look: Appearance;
  readonly sphere: Sphere;
  readonly toConductorRad: number;
  /** When this player rises among the others, 0–1, and how far they have. */
  readonly late: number;
  risen: number;
  emphasis: number;
}

interface Batch {
  readonly mesh: Mesh<InstancedBufferGeometry>;
  readonly rows: InstancedBufferAttribute;
  count: number;
}

/** Distances in metres at which a player drops to the next level of detail, at detail 1. */
const LOD_DISTANCES_M = [5.5, 13];

/** The light on whom somebody points at; an entry's is 1. */
const LIT = 1.6;

export class Orchestra {
  readonly group = new Group();
  private players: Player[] = [];
  private lines: PartLine[] = [];
  private batches = new Map<string, Batch[]>();
  private texels = new Float32Array(0);
  private texture: DataTexture | null = null;
  private material: ShaderMaterial | null = null;
  private shadows: InstancedMesh | null = null;
  private shadowMaterial: MeshBasicMaterial | null = null;
  private lit: ReadonlySet<number> = new Set();
  private readonly blend = new PoseBlend();
  private readonly gesture = restingGesture();
  private readonly frustum = new Frustum();
  private readonly viewProjection = new Matrix4();
  private readonly eye = new Vector3();

  constructor(private readonly models: ReadonlyMap<string, PlayerModel>) {}

  get size(): number {
    return this.players.length;
  }

  /** Seats the players anew. Parts keep what they are playing. Unknown models are drawn as violinists, not left out. */
  place(placements: readonly PlayerInfo[]): void {
    if (this.reseat(placements)) return;
    this.dispose();
    const fallback = this.models.get("violin") ?? [...this.models.values()][0];
    if (fallback === undefined) return;
    const stands = new Set<string>();
    for (const placement of placements) {
      const model = this.models.get(placement.model) ?? fallback;
      const desk = `${placement.part}/${placement.section}/${placement.desk}`;
      const sharesDesk = model.rig.kind === "bow" && stands.has(desk);
      stands.add(desk);
      this.players.push({ ...seated(placement), model, look: appearanceOf(placement, model.rig, sharesDesk), late: (0.61803 * placement.player) % 1, risen: 0, emphasis: 0 });
      while (this.lines.length <= placement.part) this.lines.push(new PartLine());
    }
    if (this.players.length === 0) return;
    this.texels = new Float32Array(this.players.length * ROW_TEXELS * 4);
    this.texture = new DataTexture(this.texels, ROW_TEXELS, this.players.length, RGBAFormat, FloatType);
    this.texture.minFilter = this.texture.magFilter = NearestFilter;
    this.material = playerMaterial(this.texture);
    this.players.forEach((player, row) => this.writeRow(player, row));
    for (const model of new Set(this.players.map((player) => player.model))) this.addBatches(model);
    this.layShadows();
  }

  /** The same players in other places, or muted: cheap enough for one who is in somebody's hand. False where they are others. */
  private reseat(placements: readonly PlayerInfo[]): boolean {
    const same = placements.length > 0 && placements.length === this.players.length && this.players.every(({ placement: old }, row) => {
      const now = placements[row]!;
      return old.player === now.player && old.part === now.part && old.model === now.model && old.section === now.section && old.desk === now.desk;
    });
    if (!same) return false;
    this.players = this.players.map((player, row) => ({ ...player, ...seated(placements[row]!) }));
    this.players.forEach((player, row) => this.writeRow(player, row));
    this.layShadows();
    return true;
  }

  /** Lights those whom somebody points at, and nobody else. */
  light(players: ReadonlySet<number>): void {
    this.lit = players;
  }

  private layShadows(): void {
    this.liftShadows();
    const places = this.players.map(({ placement, model }) => ({ place: hallToWorld(placement.position_m), wide: model.name === "timpani" || model.name === "piano" }));
    this.shadowMaterial ??= shadowMaterial();
    this.shadows = shadowBlobs(places, this.shadowMaterial);
    this.group.add(this.shadows);
  }

  private liftShadows(): void {
    this.shadows?.removeFromParent();
    this.shadows?.geometry.dispose();
    this.shadows?.dispose();
    this.shadows = null;
  }

  add(note: NoteOn): void {
    this.lines[note.part]?.add(note);
  }

  release(release: NoteOff): void {
    for (const line of this.lines) line.release(release);
  }

  /** Ends all motion: after a seek, a stop or a reconnection. */
  clear(): void {
    for (const line of this.lines) line.clear();
  }

  /** Poses everyone for `around.timeS` and chooses whom to draw and how finely. `detail` 0.25–1.5. */
  update(around: Surroundings, ovation: Ovation, camera: PerspectiveCamera, detail: number): void {
    if (this.texture === null) return;
    ovation.step(around.timeS);
    for (const player of this.players) player.risen = ovation.next(player.risen, player.late);
    this.viewProjection.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    this.frustum.setFromProjectionMatrix(this.viewProjection);
    for (const batches of this.batches.values()) for (const batch of batches) batch.count = 0;
    const zoom = detail * (60 / camera.fov);
    this.eye.setFromMatrixPosition(camera.matrixWorld);
    this.players.forEach((player, row) => {
      if (!this.frustum.intersectsSphere(player.sphere)) return;
      const distance = this.eye.distanceTo(player.sphere.center) / zoom;
      const level = Math.min(player.model.lods.length - 1, LOD_DISTANCES_M.filter((limit) => distance > limit).length);
      const batch = this.batches.get(player.model.name)![level]!;
      batch.rows.setX(batch.count++, row);
      this.pose(player, row, around);
    });
    for (const batches of this.batches.values()) {
      for (const batch of batches) {
        batch.mesh.visible = batch.count > 0;
        batch.mesh.geometry.instanceCount = batch.count;
        batch.rows.needsUpdate = batch.count > 0;
      }
    }
    this.texture.needsUpdate = true;
  }

  /** How many players stand who sit to play. */
  get standing(): number {
    return this.players.filter(({ risen, model }) => risen > 0.5 && model.rig.index("chair") >= 0).length;
  }

  /** Triangles handed to the GPU in the last frame. */
  get triangles(): number {
    let sum = 0;
    for (const batches of this.batches.values()) for (const { mesh, count } of batches) sum += ((mesh.geometry.index?.count ?? 0) / 3) * count;
    return sum;
  }

  dispose(): void {
    for (const batches of this.batches.values()) for (const { mesh } of batches) mesh.geometry.dispose();
    this.texture?.dispose();
    this.material?.dispose();
    this.liftShadows();
    this.group.clear();
    this.batches.clear();
    this.players = [];
    this.texture = null;
  }

  private pose(player: Player, row: number, around: Surroundings): void {
    const { model, look, placement } = player;
    const line = this.lines[placement.part];
    if (line === undefined) return;
    line.at(around.timeS - look.lagS, this.gesture);
    if (placement.muted) Object.assign(this.gesture, restingGesture());
    this.blend.begin(model.rig);
    posePlayer(this.blend, model.name, model.rig, this.gesture, look, around, player.toConductorRad);
    stand(this.blend, model.rig, player.risen);
    this.blend.write(this.texels, row * ROW_TEXELS * 4, look.hidden);
    player.emphasis += ((this.lit.has(placement.player) ? LIT : this.gesture.entry) - player.emphasis) * (this.lit.has(placement.player) ? 0.5 : 0.12);
    this.texels[(row * ROW_TEXELS + PLACE_TEXEL + 1) * 4 + 3] = player.emphasis;
  }

  private writeRow(player: Player, row: number): void {
    const at = (row * ROW_TEXELS + PLACE_TEXEL) * 4;
    const place = hallToWorld(player.placement.position_m);
    this.texels.set([place.x, place.y, place.z, (player.placement.heading_deg * Math.PI) / 180], at);
    this.texels.set([...player.look.skin, 0, ...player.look.hair, 1, ...player.look.shirt, 1], at + 4);
  }

  private addBatches(model: PlayerModel): void {
    const capacity = this.players.filter((player) => player.model === model).length;
    const batches = model.lods.map((lod) => {
      const geometry = new InstancedBufferGeometry();
      geometry.index = lod.index;
      for (const name of Object.keys(lod.attributes)) geometry.setAttribute(name, lod.getAttribute(name));
      const rows = new InstancedBufferAttribute(new Float32Array(capacity), 1);
      geometry.setAttribute("row", rows);
      const mesh = new Mesh(geometry, this.material!);
      mesh.frustumCulled = false;
      this.group.add(mesh);
      return { mesh, rows, count: 0 };
    });
    this.batches.set(model.name, batches);
  }
}

/** What a player's place comes to. */
function seated(placement: PlayerInfo): Pick<Player, "placement" | "sphere" | "toConductorRad"> {
  const [x, y] = placement.position_m;
  const bearing = Math.atan2(x, -y) - (placement.heading_deg * Math.PI) / 180;
  return {
    placement,
    sphere: new Sphere(hallToWorld(placement.position_m).add(new Vector3(0, 0.8, 0)), 1.4),
    toConductorRad: Math.atan2(Math.sin(bearing), Math.cos(bearing)),
  };
}

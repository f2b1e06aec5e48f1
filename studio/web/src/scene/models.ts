/** Loads the halls, `players.glb` and `rig.json`, and turns each player model into one geometry per level of detail. */
import { BufferAttribute, BufferGeometry, Group, Mesh, Object3D, Vector3 } from "three";
import { GLTFLoader, type GLTF } from "three/addons/loaders/GLTFLoader.js";
import { isThigh, KNEE } from "./ovation";
import { Rig, type RigFile } from "./rig";

export interface PlayerModel {
  readonly name: string;
  readonly rig: Rig;
  /** Finest first. Attributes: position, normal, surface (roughness, metal), colour (linear), part (joint index, tint slot). */
  readonly lods: readonly BufferGeometry[];
}

export interface StageModels {
  readonly players: ReadonlyMap<string, PlayerModel>;
  /** Props with a life of their own, as geometries of one part, origin at the grip. */
  readonly props: ReadonlyMap<string, BufferGeometry>;
}

/** Which factor colours a part: skin, hair or shirt; 0 is as painted. */
export const TINT = { none: 0, skin: 1, hair: 2, shirt: 3 } as const;

const PROPS = ["hand_R_baton", "hand_L", "podium_stand"];

type Report = (share: number) => void;

const shareOf = (event: ProgressEvent): number => (event.lengthComputable ? event.loaded / event.total : 0.5);

/** Fetches a hall by the name of its picture. `report` hears the loaded share 0–1. */
export async function loadHall(base: string, picture: string, report: Report): Promise<Group> {
  const loader = new GLTFLoader();
  return (await loader.loadAsync(`${base}halls/${encodeURIComponent(picture)}.glb`, (event) => report(shareOf(event)))).scene;
}

/** Fetches and prepares the players and what they hold. `report` hears the loaded share 0–1. */
export async function loadStageModels(base: string, report: Report): Promise<StageModels> {
  const loader = new GLTFLoader();
  const [players, rig] = await Promise.all([
    loader.loadAsync(`${base}players.glb`, (event) => report(shareOf(event))),
    fetch(`${base}rig.json`).then((answer) => {
      if (!answer.ok) throw new Error(`rig.json: HTTP ${answer.status}`);
      return answer.json() as Promise<RigFile>;
    }),
  ]);
  return readPlayers(players, rig);
}

/** Splits the file into player models and props. Exported for tests. */
export function readPlayers(gltf: GLTF, file: RigFile): StageModels {
  gltf.scene.updateMatrixWorld(true);
  const roots = new Map<string, Object3D>();
  const props = new Map<string, BufferGeometry>();
  gltf.scene.traverse((node) => {
    const name = gltfName(gltf, node);
    if (name.startsWith("player_") && node.parent === gltf.scene) roots.set(name.slice("player_".length), node);
    if (PROPS.includes(name)) props.set(name, mergeMeshes(node, propPieces(node)));
  });
  const players = new Map<string, PlayerModel>();
  for (const [name, root] of roots) {
    if (/_lod\d+$/.test(name)) continue;
    const { pivots, parents } = skeleton(gltf, root, name);
    const rig = new Rig(pivots, parents, file.models[name]);
    const lods = [geometryOf(gltf, root, name, rig)];
    for (let level = 1; ; level++) {
      const lower = roots.get(`${name}_lod${level}`);
      if (lower === undefined) break;
      lods.push(geometryOf(gltf, lower, `${name}_lod${level}`, rig));
    }
    players.set(name, { name, rig, lods });
  }
  return { players, props };
}

/** The node's name in the file; three.js renames what it thinks are duplicates. */
function gltfName(gltf: GLTF, node: Object3D): string {
  const index = gltf.parser.associations.get(node)?.nodes;
  const json = gltf.parser.json as { nodes: { name?: string }[] };
  return index === undefined ? "" : (json.nodes[index]?.name ?? "");
}

function partName(gltf: GLTF, node: Object3D, prefix: string): string {
  const name = gltfName(gltf, node);
  return name.startsWith(`${prefix}_`) ? name.slice(prefix.length + 1) : "";
}

function skeleton(gltf: GLTF, root: Object3D, prefix: string) {
  const pivots = new Map<string, Vector3>();
  const parents = new Map<string, string>();
  const visit = (node: Object3D, above: string): void => {
    const part = partName(gltf, node, prefix);
    if (part !== "") {
      pivots.set(part, root.worldToLocal(node.getWorldPosition(new Vector3())));
      if (above !== "") parents.set(part, above);
    }
    for (const child of node.children) visit(child, part || above);
  };
  for (const child of root.children) visit(child, "");
  if (pivots.has("chair")) pivots.set("thighs", KNEE);
  return { pivots, parents };
}

function tintOf(part: string): number {
  if (part.startsWith("hair")) return TINT.hair;
  return part === "shirt" ? TINT.shirt : TINT.skin;
}

interface Piece {
  readonly mesh: Mesh;
  readonly joint: number;
  /** How the piece may be tinted: its skin where the vertex colours' alpha says so, or hair, or the shirt. */
  readonly tint: number;
  /** The joint of what of it is thigh, where its legs bend. */
  readonly thighs?: number;
}

/** All meshes below `root` as one geometry, each vertex knowing its joint. */
function geometryOf(gltf: GLTF, root: Object3D, prefix: string, rig: Rig): BufferGeometry {
  const pieces: Piece[] = [];
  const visit = (node: Object3D, above: string): void => {
    const part = partName(gltf, node, prefix) || above;
    if (node instanceof Mesh) {
      const thighs = part === "legs" && rig.index("thighs") >= 0 ? { thighs: rig.index("thighs") } : {};
      pieces.push({ mesh: node, joint: Math.max(0, rig.index(part)), tint: tintOf(part), ...thighs });
    }
    for (const child of node.children) visit(child, part);
  };
  for (const child of root.children) visit(child, "");
  return mergeMeshes(root, pieces);
}

function propPieces(root: Object3D): Piece[] {
  const pieces: Piece[] = [];
  root.traverse((node) => node instanceof Mesh && pieces.push({ mesh: node, joint: 0, tint: TINT.skin }));
  return pieces;
}

/** The pieces as one geometry in the space of `root`. */
function mergeMeshes(root: Object3D, pieces: readonly Piece[]): BufferGeometry {
  const count = pieces.reduce((sum, { mesh }) => sum + mesh.geometry.getAttribute("position").count, 0);
  const indexCount = pieces.reduce((sum, { mesh }) => sum + (mesh.geometry.index?.count ?? 0), 0);
  const position = new Float32Array(count * 3);
  const normal = new Float32Array(count * 3);
  const surface = new Float32Array(count * 2);
  const colour = new Float32Array(count * 3);
  const part = new Float32Array(count * 2);
  const index = new Uint32Array(indexCount);
  let at = 0;
  let indexAt = 0;
  const point = new Vector3();
  for (const { mesh, joint, tint, thighs } of pieces) {
    const from = mesh.geometry;
    const [p, n, uv, c] = ["position", "normal", "uv", "color"].map((name) => from.getAttribute(name));
    const toRoot = mesh.matrixWorld.clone().premultiply(root.matrixWorld.clone().invert());
    for (let i = 0; i < p!.count; i++) {
      point.fromBufferAttribute(p!, i).applyMatrix4(toRoot).toArray(position, (at + i) * 3);
      if (n) point.fromBufferAttribute(n, i).transformDirection(toRoot).toArray(normal, (at + i) * 3);
      surface.set(uv ? [uv.getX(i), uv.getY(i)] : [0.8, 0], (at + i) * 2);
      const [r, g, b] = c ? [c.getX(i), c.getY(i), c.getZ(i)] : [0.5, 0.5, 0.5];
      colour.set([r, g, b], (at + i) * 3);
      // Alpha marks skin and hair; the shirt is tinted as a whole.
      const tinted = tint === TINT.shirt || (c?.itemSize === 4 && c.getW(i) > 0.5);
      const moves = thighs !== undefined && isThigh(point.y, point.z) ? thighs : joint;
      part.set([moves, tinted ? tint : TINT.none], (at + i) * 2);
    }
    const order = from.index;
    for (let i = 0; order !== null && i < order.count; i++) index[indexAt + i] = at + order.getX(i);
    at += p!.count;
    indexAt += order?.count ?? 0;
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(position, 3));
  geometry.setAttribute("normal", new BufferAttribute(normal, 3));
  geometry.setAttribute("surface", new BufferAttribute(surface, 2));
  geometry.setAttribute("albedo", new BufferAttribute(colour, 3));
  geometry.setAttribute("part", new BufferAttribute(part, 2));
  geometry.setIndex(new BufferAttribute(index, 1));
  return geometry;
}

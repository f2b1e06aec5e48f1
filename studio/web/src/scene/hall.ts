/** The hall: baked light copied through, rows of seats and listeners instanced. */
import {
  Box3,
  Color,
  Group,
  InstancedMesh,
  Mesh,
  MeshBasicMaterial,
  type BufferGeometry,
  type Material,
  type MeshStandardMaterial,
  type Object3D,
  Vector3,
} from "three";
import { ClappingHands, headsOf, type Listener } from "./clapping";
import { hallToWorld } from "./frames";

/** How far over the floor of the rows one looks from, metres: between the heads. */
const OVER_ROWS_M = 1.6;

export interface Hall {
  readonly group: Group;
  /** Listeners and seats cost most of the triangles; weak machines leave the listeners out. */
  setAudience(shown: boolean): void;
  readonly clapping: ClappingHands;
  /** The room's extent, where people may look from. */
  readonly room: Box3;
  /** How high one looks from there, at least, at a place so far towards the back of the house (world Z). */
  readonly leastHeight: (z: number) => number;
  /** Frees what it holds on the graphics card. */
  dispose(): void;
}

/** Rearranges a loaded hall. `anisotropy`: what the GPU offers. */
export function buildHall(source: Object3D, anisotropy: number): Hall {
  source.updateMatrixWorld(true);
  const group = new Group();
  const audience = new Group();
  const repeated = new Map<BufferGeometry, Mesh[]>();
  const baked: Mesh[] = [];
  source.traverse((node) => {
    if (!(node instanceof Mesh)) return;
    if (hasTexture(node)) baked.push(node);
    else repeated.set(node.geometry, [...(repeated.get(node.geometry) ?? []), node]);
  });
  const room = baked.map(roomIn).find((box) => box !== null) ?? new Box3().setFromObject(source);
  for (const mesh of baked) {
    const { map } = mesh.material as MeshStandardMaterial;
    if (map !== null) map.anisotropy = Math.min(8, anisotropy);
    mesh.material = new MeshBasicMaterial({ map, toneMapped: false });
    group.attach(mesh);
  }
  const clapping = new ClappingHands([...repeated.values()].flat().filter((mesh) => /^audience_/.test(nameOf(mesh))).flatMap(listenersIn));
  audience.add(clapping.mesh);
  const plain = new MeshBasicMaterial({ vertexColors: true, toneMapped: false });
  for (const [geometry, meshes] of repeated) {
    const instanced = new InstancedMesh(geometry, plain, meshes.length);
    meshes.forEach((mesh, index) => {
      instanced.setMatrixAt(index, mesh.matrixWorld);
      instanced.setColorAt(index, new Color().setScalar(tintOf(mesh)));
    });
    instanced.computeBoundingSphere();
    (meshes.some((mesh) => /^audience_/.test(nameOf(mesh))) ? audience : group).add(instanced);
  }
  group.add(audience);
  return { group, setAudience: (shown) => void (audience.visible = shown), clapping, room, leastHeight: heightIn(baked), dispose: () => free(group) };
}

/** The box of the room in the extras of the stage: its corners in the hall's frame. */
function roomIn(mesh: Mesh): Box3 | null {
  const corners: unknown = mesh.userData["room"] ?? mesh.parent?.userData["room"];
  if (!Array.isArray(corners) || corners.length !== 6) return null;
  const [x0, y0, z0, x1, y1, z1] = corners.map(Number) as [number, number, number, number, number, number];
  return new Box3().setFromPoints([hallToWorld([x0, y0, z0]), hallToWorld([x1, y1, z1])]);
}

/** Over the rows of the audience, which may rise: from their place, floor and slope in the extras of the stage. */
function heightIn(baked: readonly Mesh[]): (z: number) => number {
  const told: unknown = baked.map((mesh) => mesh.userData["rows"] as unknown).find((rows) => Array.isArray(rows));
  if (told === undefined) return () => -Infinity;
  const [first, floor, rise] = (told as unknown[]).map(Number) as [number, number, number];
  return (z) => (z > -first ? floor + rise * (z + first) + OVER_ROWS_M : -Infinity);
}

function free(group: Group): void {
  group.traverse((node) => {
    if (!(node instanceof Mesh)) return;
    if (node instanceof InstancedMesh) node.dispose();
    (node.geometry as BufferGeometry).dispose();
    for (const material of [node.material as Material | Material[]].flat()) {
      if (material instanceof MeshBasicMaterial) material.map?.dispose();
      material.dispose();
    }
  });
}

/** Who sits in a row of listeners, in the hall. A row looks along its own −Z. */
function listenersIn(row: Mesh): Listener[] {
  const from = row.geometry.getAttribute("position");
  const vertices = new Float32Array(from.count * 3);
  const point = new Vector3();
  for (let i = 0; i < from.count; i++) point.fromBufferAttribute(from, i).toArray(vertices, 3 * i);
  const looks = new Vector3(0, 0, -1).transformDirection(row.matrixWorld);
  return headsOf(vertices).map((head) => ({ head: head.applyMatrix4(row.matrixWorld), looks }));
}

function hasTexture(mesh: Mesh): boolean {
  return (mesh.material as MeshStandardMaterial).map != null;
}

function nameOf(node: Object3D): string {
  return node.name || (node.parent?.name ?? "");
}

/** The bake's brightness of a row, in the node's glTF extras. */
function tintOf(node: Object3D): number {
  const tint: unknown = node.userData["tint"] ?? node.parent?.userData["tint"];
  return typeof tint === "number" ? tint : 1;
}

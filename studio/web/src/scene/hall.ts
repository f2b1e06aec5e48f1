/** The hall: baked light copied through, rows of seats and listeners instanced. */
import {
  Color,
  Group,
  InstancedMesh,
  Mesh,
  MeshBasicMaterial,
  type BufferGeometry,
  type MeshStandardMaterial,
  type Object3D,
  Vector3,
} from "three";
import { ClappingHands, headsOf } from "./clapping";

export interface Hall {
  readonly group: Group;
  /** Listeners and seats cost most of the triangles; weak machines leave the listeners out. */
  setAudience(shown: boolean): void;
  readonly clapping: ClappingHands;
}

/** Rearranges the loaded `hall.glb`. `anisotropy`: what the GPU offers. */
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
  for (const mesh of baked) {
    const { map } = mesh.material as MeshStandardMaterial;
    if (map !== null) map.anisotropy = Math.min(8, anisotropy);
    mesh.material = new MeshBasicMaterial({ map, toneMapped: false });
    group.attach(mesh);
  }
  const clapping = new ClappingHands([...repeated.values()].flat().filter((mesh) => /^audience_/.test(nameOf(mesh))).flatMap(headsIn));
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
  return { group, setAudience: (shown) => void (audience.visible = shown), clapping };
}

/** The tops of the heads of a row of listeners, in the hall. */
function headsIn(row: Mesh): Vector3[] {
  const from = row.geometry.getAttribute("position");
  const vertices = new Float32Array(from.count * 3);
  const point = new Vector3();
  for (let i = 0; i < from.count; i++) point.fromBufferAttribute(from, i).applyMatrix4(row.matrixWorld).toArray(vertices, 3 * i);
  return headsOf(vertices);
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

/** Soft contact shadows: one instanced quad per player, so that nobody floats above the baked floor. */
import { CanvasTexture, InstancedMesh, Matrix4, MeshBasicMaterial, PlaneGeometry, type Vector3 } from "three";

function blobTexture(): CanvasTexture {
  const size = 64;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d")!;
  const gradient = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  gradient.addColorStop(0, "rgba(0,0,0,0.78)");
  gradient.addColorStop(0.45, "rgba(0,0,0,0.38)");
  gradient.addColorStop(1, "rgba(0,0,0,0)");
  context.fillStyle = gradient;
  context.fillRect(0, 0, size, size);
  return new CanvasTexture(canvas);
}

/** What all blobs are drawn with. */
export function shadowMaterial(): MeshBasicMaterial {
  return new MeshBasicMaterial({
    map: blobTexture(),
    transparent: true,
    depthWrite: false,
    toneMapped: false,
    polygonOffset: true,
    polygonOffsetFactor: -2,
    polygonOffsetUnits: -2,
  });
}

/** `place`: floor under the player, world frame. */
export function shadowBlobs(places: readonly { place: Vector3; wide: boolean }[], material: MeshBasicMaterial): InstancedMesh {
  const mesh = new InstancedMesh(new PlaneGeometry(1, 1).rotateX(-Math.PI / 2), material, places.length);
  const matrix = new Matrix4();
  places.forEach(({ place, wide }, index) => {
    const size = wide ? 2.8 : 1.5;
    matrix.makeScale(size, 1, size).setPosition(place.x, place.y + 0.012, place.z);
    mesh.setMatrixAt(index, matrix);
  });
  mesh.frustumCulled = false;
  mesh.renderOrder = 1;
  return mesh;
}

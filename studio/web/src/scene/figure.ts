/** One posed model on its own: the conductor, or a prop drawn with the players' light. */
import { DataTexture, FloatType, Group, InstancedBufferAttribute, InstancedBufferGeometry, Mesh, NearestFilter, RGBAFormat, type BufferGeometry, type Vector3 } from "three";
import { PLACE_TEXEL, playerMaterial, ROW_TEXELS } from "./player_material";

export class Figure {
  readonly group = new Group();
  /** One row of the pose texture; `touch` after writing to it. */
  readonly row = new Float32Array(ROW_TEXELS * 4);
  private readonly texture = new DataTexture(this.row, ROW_TEXELS, 1, RGBAFormat, FloatType);

  constructor(geometry: BufferGeometry) {
    this.texture.minFilter = this.texture.magFilter = NearestFilter;
    const instanced = new InstancedBufferGeometry();
    instanced.index = geometry.index;
    for (const name of Object.keys(geometry.attributes)) instanced.setAttribute(name, geometry.getAttribute(name));
    instanced.setAttribute("row", new InstancedBufferAttribute(new Float32Array([0]), 1));
    instanced.instanceCount = 1;
    const mesh = new Mesh(instanced, playerMaterial(this.texture));
    mesh.frustumCulled = false;
    this.group.add(mesh);
  }

  /** Floor under the figure in the world, and where it faces (radians, 0 = the back of the stage). */
  place(at: Vector3, headingRad: number): void {
    this.row.set([at.x, at.y, at.z, headingRad], PLACE_TEXEL * 4);
  }

  tint(skin: readonly number[], hair: readonly number[], shirt: readonly number[]): void {
    this.row.set([...skin, 0, ...hair, 1, ...shirt, 1], (PLACE_TEXEL + 1) * 4);
  }

  touch(): void {
    this.texture.needsUpdate = true;
  }
}

/**
 * Darkens the edge of sight while the hall turns or the wearer is moved: less motion at the edge, less sickness
 * (Fernandes and Feiner, IEEE 3DUI 2016).
 */
import { BackSide, Mesh, ShaderMaterial, SphereGeometry } from "three";

const LASTS_S = 0.45;
/** Half angles of what stays clear, degrees: wide open, and while something moves. */
const OPEN_DEG = 75;
const NARROW_DEG = 24;
const SOFT_DEG = 14;

export class Vignette {
  /** A dome about the head, to be hung below the camera. */
  readonly mesh: Mesh<SphereGeometry, ShaderMaterial>;
  private leftS = 0;

  constructor() {
    const material = new ShaderMaterial({
      uniforms: { clearRad: { value: 2 } },
      vertexShader: "varying vec3 towards; void main() { towards = position; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }",
      fragmentShader:
        `uniform float clearRad; varying vec3 towards; void main() { float off = acos(clamp(-normalize(towards).z, -1.0, 1.0));` +
        ` gl_FragColor = vec4(0.0, 0.0, 0.0, smoothstep(clearRad, clearRad + ${((SOFT_DEG * Math.PI) / 180).toFixed(4)}, off)); }`,
      transparent: true,
      depthTest: false,
      depthWrite: false,
      side: BackSide,
      toneMapped: false,
    });
    this.mesh = new Mesh(new SphereGeometry(0.4, 24, 16), material);
    this.mesh.renderOrder = 1000;
    this.mesh.frustumCulled = false;
    this.mesh.visible = false;
  }

  /** Something moves now. */
  close(): void {
    this.leftS = LASTS_S;
  }

  update(dtS: number): void {
    this.leftS = Math.max(0, this.leftS - dtS);
    this.mesh.visible = this.leftS > 0;
    const narrow = Math.sin((Math.PI / 2) * Math.min(1, (2 * this.leftS) / LASTS_S));
    this.mesh.material.uniforms["clearRad"]!.value = ((OPEN_DEG + (NARROW_DEG - OPEN_DEG) * narrow) * Math.PI) / 180;
  }
}

/** A panel of the studio drawn in the hall: a picture of its own on a plane that faces its reader. */
import { CanvasTexture, LinearFilter, LinearMipmapLinearFilter, Matrix4, Mesh, MeshBasicMaterial, PlaneGeometry, SRGBColorSpace, Vector3 } from "three";
import type { ItemInfo, PanelInfo } from "../generated/protocol";
import { hallToWorld } from "../scene/frames";

/** Pixels of the panel's own picture for each dmm. */
const PIXELS_PER_DMM = 1.6;
const ROUND_DMM = 18;
const COLOURS = {
  ground: "rgba(22, 15, 10, 0.94)",
  rim: "rgba(224, 186, 120, 0.55)",
  ink: "#f5ede0",
  faint: "rgba(245, 237, 224, 0.38)",
  dark: "#1c1208",
  gold: "#e0ba78",
  idle: "#3c2a1c",
  hovered: "#62452a",
  pressed: "#996e3b",
  disabled: "#281c14",
} as const;

/** The order in which panels lie over each other. */
const ORDER: Readonly<Record<PanelInfo["panel"], number>> = { label: 900, menu: 910, card: 920 };

export class PanelBoard {
  readonly mesh: Mesh<PlaneGeometry, MeshBasicMaterial>;
  private readonly canvas = document.createElement("canvas");
  private readonly pen = this.canvas.getContext("2d")!;
  private texture: CanvasTexture | null = null;
  private drawn = "";
  private readonly matrix = new Matrix4();
  private readonly right = new Vector3();
  private readonly up = new Vector3();
  private readonly out = new Vector3();
  private readonly centre = new Vector3();

  constructor(key: PanelInfo["panel"]) {
    // What hides behind a player's back could not be read.
    const material = new MeshBasicMaterial({ transparent: true, depthTest: false, depthWrite: false, toneMapped: false });
    this.mesh = new Mesh(new PlaneGeometry(1, 1), material);
    this.mesh.matrixAutoUpdate = false;
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = ORDER[key];
    this.mesh.visible = false;
  }

  /** Shows a panel; null takes it away. */
  show(panel: PanelInfo | null): void {
    this.mesh.visible = panel !== null;
    if (panel === null) return;
    const width = panel.width_dmm * panel.metres_per_dmm;
    const height = panel.height_dmm * panel.metres_per_dmm;
    hallToWorld(panel.right, this.right);
    hallToWorld(panel.up, this.up);
    this.out.crossVectors(this.right, this.up);
    this.matrix.makeBasis(this.right.multiplyScalar(width), this.up.multiplyScalar(height), this.out);
    this.mesh.matrix.copy(this.matrix.setPosition(hallToWorld(panel.centre_m, this.centre)));
    this.mesh.matrixWorldNeedsUpdate = true;
    const content = JSON.stringify([panel.width_dmm, panel.height_dmm, panel.items]);
    if (content !== this.drawn) {
      this.drawn = content;
      this.draw(panel);
    }
  }

  dispose(): void {
    this.texture?.dispose();
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }

  private draw(panel: PanelInfo): void {
    const { canvas, pen } = this;
    const width = Math.ceil(panel.width_dmm * PIXELS_PER_DMM);
    const height = Math.ceil(panel.height_dmm * PIXELS_PER_DMM);
    if (this.texture === null || canvas.width !== width || canvas.height !== height) {
      // A texture keeps the size it was first sent with.
      this.texture?.dispose();
      canvas.width = width;
      canvas.height = height;
      this.texture = new CanvasTexture(canvas);
      this.texture.colorSpace = SRGBColorSpace;
      this.texture.minFilter = LinearMipmapLinearFilter;
      this.texture.magFilter = LinearFilter;
      this.texture.anisotropy = 4;
      this.mesh.material.map = this.texture;
      this.mesh.material.needsUpdate = true;
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.scale(PIXELS_PER_DMM, PIXELS_PER_DMM);
    this.plate(1.5, 1.5, panel.width_dmm - 3, panel.height_dmm - 3, ROUND_DMM, COLOURS.ground);
    pen.strokeStyle = COLOURS.rim;
    pen.lineWidth = 3;
    pen.stroke();
    for (const item of panel.items) this.item(item);
    this.texture.needsUpdate = true;
  }

  private item(item: ItemInfo): void {
    const chosen = item.item === "toggle" && item.value > 0.5;
    if (item.item !== "text") {
      this.plate(item.x_dmm, item.y_dmm, item.width_dmm, item.height_dmm, ROUND_DMM - 3, chosen && item.state !== "pressed" ? COLOURS.gold : COLOURS[item.state]);
      if (item.state === "hovered") {
        this.pen.strokeStyle = COLOURS.gold;
        this.pen.lineWidth = 4;
        this.pen.stroke();
      }
    }
    if (item.item === "slider") this.slider(item);
    const ink = chosen && item.state !== "pressed" ? COLOURS.dark : item.state === "disabled" ? COLOURS.faint : COLOURS.ink;
    const share = { left: 0, centre: 0.5, right: 1 }[item.align];
    this.pen.font = `${item.strong || chosen ? 600 : 400} ${item.text_dmm}px "Source Serif 4 Variable", Georgia, serif`;
    this.pen.fillStyle = ink;
    this.pen.textAlign = item.align === "centre" ? "center" : item.align;
    this.pen.textBaseline = "middle";
    const middle = item.y_dmm + item.height_dmm * (item.item === "slider" ? 0.36 : 0.53);
    this.pen.fillText(item.text, item.x_dmm + share * item.width_dmm, middle);
  }

  private slider(item: ItemInfo): void {
    const run = item.width_dmm - 32;
    const y = item.y_dmm + item.height_dmm - 14;
    this.plate(item.x_dmm + 16, y - 3, run, 6, 3, "rgba(245, 237, 224, 0.25)");
    this.plate(item.x_dmm + 16, y - 3, Math.max(6, run * item.value), 6, 3, COLOURS.gold);
    this.pen.beginPath();
    this.pen.arc(item.x_dmm + 16 + run * item.value, y, 12, 0, 2 * Math.PI);
    this.pen.fillStyle = COLOURS.ink;
    this.pen.fill();
  }

  private plate(x: number, y: number, width: number, height: number, radius: number, colour: string): void {
    this.pen.beginPath();
    this.pen.roundRect(x, y, width, height, radius);
    this.pen.fillStyle = colour;
    this.pen.fill();
  }
}

/** A line of words that hangs before the wearer for some seconds, 40 dmm tall at two metres. */
import { CanvasTexture, Mesh, MeshBasicMaterial, PlaneGeometry, SRGBColorSpace, Vector3 } from "three";

const LASTS_S = 6;
const AWAY_M = 2;
const BELOW_M = 0.25;
const WIDTH_M = 1.5;
const HEIGHT_M = 0.26;
const LINE_M = 0.08;
const PX_PER_M = 640;

export class NoticeBoard {
  readonly mesh: Mesh<PlaneGeometry, MeshBasicMaterial>;
  private readonly canvas = document.createElement("canvas");
  private readonly texture = new CanvasTexture(this.canvas);
  private readonly ahead = new Vector3();
  private waiting: string | null = null;
  private leftS = 0;

  constructor() {
    this.canvas.width = WIDTH_M * PX_PER_M;
    this.canvas.height = HEIGHT_M * PX_PER_M;
    this.texture.colorSpace = SRGBColorSpace;
    this.mesh = new Mesh(new PlaneGeometry(WIDTH_M, HEIGHT_M), new MeshBasicMaterial({ map: this.texture, transparent: true, depthTest: false, toneMapped: false }));
    this.mesh.renderOrder = 900;
    this.mesh.visible = false;
  }

  say(text: string): void {
    this.waiting = text;
  }

  /** `eye` in the world, `aheadRad` where the wearer looks, to the left of −Z. */
  update(eye: Vector3, aheadRad: number, dtS: number): void {
    this.leftS -= dtS;
    if (this.waiting !== null) {
      this.write(this.waiting);
      this.waiting = null;
      this.leftS = LASTS_S;
      this.ahead.set(-Math.sin(aheadRad), 0, -Math.cos(aheadRad));
      this.mesh.position.copy(eye).addScaledVector(this.ahead, AWAY_M).setY(eye.y - BELOW_M);
      this.mesh.rotation.y = aheadRad;
    }
    this.mesh.visible = this.leftS > 0;
    this.mesh.material.opacity = Math.min(1, 2 * this.leftS);
  }

  private write(text: string): void {
    const { width, height } = this.canvas;
    const draw = this.canvas.getContext("2d")!;
    draw.clearRect(0, 0, width, height);
    draw.fillStyle = "rgb(20 13 8 / 88%)";
    draw.beginPath();
    draw.roundRect(0, 0, width, height, 0.04 * PX_PER_M);
    draw.fill();
    draw.font = `500 ${LINE_M * PX_PER_M}px "Source Serif 4 Variable", Georgia, serif`;
    draw.fillStyle = "#f6eee0";
    draw.textAlign = "center";
    draw.textBaseline = "middle";
    const lines = wrapped(draw, text, 0.92 * width).slice(0, 2);
    lines.forEach((line, index) => draw.fillText(line, width / 2, height / 2 + (index - (lines.length - 1) / 2) * 1.2 * LINE_M * PX_PER_M, 0.94 * width));
    this.texture.needsUpdate = true;
  }
}

function wrapped(draw: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (draw.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

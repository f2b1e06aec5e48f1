/**
 * The conductor's stand in the headset: where the music is, readable from the podium, with the coming bars moving under
 * a mark. Text is drawn when it changes (about once a beat); what moves all the time is moved, not drawn.
 *
 * Sizes follow the rule of some 24 dmm for text that is read at ease (1 dmm is 1 mm seen from 1 m; Ratzlaff, *Designing
 * screen interfaces for VR*, Google I/O 2017): the pages lie about 1.1 m from the eyes, so letters are 26 mm and more.
 */
import { type BufferGeometry, CanvasTexture, Group, LinearFilter, Mesh, MeshBasicMaterial, PlaneGeometry, SRGBColorSpace, Vector3 } from "three";
import type { ShownPosition } from "../concert";
import type { Snapshot } from "../generated/protocol";
import { Figure } from "../scene/figure";
import { STATES } from "../ui/score_panel";

/** The desk as `assets/build` makes it: centre, width and height of the open pages, and how they lean. */
const STAND_Z_M = -0.72;
const CENTRE_M = new Vector3(0, 1.04, 0);
const WIDTH_M = 0.66;
const HEIGHT_M = 0.43;
const LEAN_RAD = Math.atan2(0.8, 0.6) - Math.PI / 2;
const LIFT_M = 0.016;
const PX_PER_M = 1550;
/** Bars to be seen ahead, and where the mark of the present is, in parts of the width. */
const STRIP_QUARTERS = 16;
const PRESENT = 0.22;
const SERIF = '"Source Serif 4 Variable", Georgia, serif';
const INK = "#1c140d";
const FADED = "#6f6153";
const RED = "#8e2a2c";

export class ScoreStand {
  readonly group = new Group();
  private readonly pages = document.createElement("canvas");
  private readonly strip = document.createElement("canvas");
  private readonly pageTexture: CanvasTexture;
  private readonly stripTexture: CanvasTexture;
  private readonly desk = new Group();
  private snapshot: Snapshot | null = null;
  private shown = "";
  private stripFrom = NaN;

  /** `stand`: the model's geometry, null to draw the pages alone. */
  constructor(stand: BufferGeometry | null) {
    this.group.position.z = STAND_Z_M;
    if (stand !== null) {
      const figure = new Figure(stand);
      figure.place(new Vector3(0, 0, STAND_Z_M), 0);
      figure.row.set([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
      figure.tint([1, 1, 1], [1, 1, 1], [1, 1, 1]);
      figure.touch();
      figure.group.position.z = -STAND_Z_M; // it places itself
      this.group.add(figure.group);
    }
    this.pages.width = Math.round(WIDTH_M * PX_PER_M);
    this.pages.height = Math.round(HEIGHT_M * PX_PER_M);
    this.strip.width = 2 * this.pages.width;
    this.strip.height = Math.round(0.3 * this.pages.height);
    this.pageTexture = texture(this.pages);
    this.stripTexture = texture(this.strip);
    this.stripTexture.repeat.x = 0.5;
    this.desk.position.copy(CENTRE_M);
    this.desk.rotation.x = LEAN_RAD;
    const stripHeight = 0.3 * HEIGHT_M;
    this.desk.add(plane(WIDTH_M, HEIGHT_M, this.pageTexture, 0, LIFT_M), plane(WIDTH_M, stripHeight, this.stripTexture, -0.08 * HEIGHT_M, LIFT_M + 0.001));
    const mark = new Mesh(new PlaneGeometry(0.003, stripHeight), new MeshBasicMaterial({ color: RED, toneMapped: false }));
    mark.position.set((PRESENT - 0.5) * WIDTH_M, -0.08 * HEIGHT_M, LIFT_M + 0.002);
    this.desk.add(mark);
    this.group.add(this.desk);
  }

  open(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.drawAnew();
    // A canvas does not wait for a font, nor draw again when it is there.
    Promise.all([450, 560, 600].map((weight) => document.fonts.load(`${weight} 40px ${SERIF}`))).then(
      () => this.drawAnew(),
      (error: unknown) => console.warn("the stand is written in another font", error),
    );
  }

  private drawAnew(): void {
    this.shown = "";
    this.stripFrom = NaN;
  }

  /** Call each frame; draws only what changed. */
  show(position: ShownPosition | null): void {
    if (this.snapshot === null) return;
    const state = position?.state ?? "waiting";
    const bpm = position === null || position.bpm <= 0 ? "" : String(Math.round(position.bpm));
    const now = `${position?.measure}|${position?.beat}|${position?.beats}|${bpm}|${state}`;
    if (now !== this.shown) {
      this.shown = now;
      this.drawPages(this.snapshot, position, bpm);
    }
    this.moveStrip(this.snapshot, position?.quarter ?? 0);
  }

  /** What is written there now, for those who cannot see it. */
  get text(): string {
    return this.shown;
  }

  private drawPages(snapshot: Snapshot, position: ShownPosition | null, bpm: string): void {
    const { width, height } = this.pages;
    const draw = this.pages.getContext("2d")!;
    draw.fillStyle = "#f1e9d8";
    draw.fillRect(0, 0, width, height);
    const write = (text: string, x: number, y: number, size: number, colour: string, align: CanvasTextAlign, weight = 450, most = width): void => {
      draw.font = `${weight} ${size * height}px ${SERIF}`;
      draw.fillStyle = colour;
      draw.textAlign = align;
      draw.fillText(text, x * width, y * height, most * width);
    };
    draw.textBaseline = "alphabetic";
    write(snapshot.title || "Untitled", 0.04, 0.125, 0.088, INK, "left", 560, 0.6);
    write(snapshot.composer, 0.96, 0.12, 0.07, FADED, "right", 420, 0.32);
    write("bar", 0.04, 0.31, 0.075, FADED, "left");
    write(position?.measure ?? "–", 0.13, 0.36, 0.235, INK, "left", 600, 0.25);
    this.drawBeats(draw, position);
    if (bpm !== "") write(`${bpm} a minute`, 0.96, 0.33, 0.085, INK, "right");
    const words = STATES[position?.state ?? "waiting"] || nextMarking(snapshot, position?.quarter ?? 0);
    write(words, 0.5, 0.945, 0.085, RED, "center", 560, 0.92);
    this.pageTexture.needsUpdate = true;
  }

  private drawBeats(draw: CanvasRenderingContext2D, position: ShownPosition | null): void {
    const { width, height } = this.pages;
    const count = Math.min(12, position?.beats ?? 0);
    for (let beat = 1; beat <= count; beat++) {
      draw.beginPath();
      draw.arc((0.4 + (0.27 * (beat - 0.5)) / Math.max(4, count)) * width, 0.3 * height, 0.028 * height, 0, 2 * Math.PI);
      draw.lineWidth = 0.008 * height;
      draw.strokeStyle = draw.fillStyle = beat === position?.beat ? RED : FADED;
      if (beat === position?.beat) draw.fill();
      else draw.stroke();
    }
  }

  /** The strip holds two widths of bars and slides; it is drawn anew when its end comes near. */
  private moveStrip(snapshot: Snapshot, quarter: number): void {
    const left = quarter - PRESENT * STRIP_QUARTERS;
    if (!(left >= this.stripFrom && left <= this.stripFrom + STRIP_QUARTERS)) {
      this.stripFrom = left - 0.05 * STRIP_QUARTERS;
      this.drawStrip(snapshot, this.stripFrom);
    }
    this.stripTexture.offset.x = (left - this.stripFrom) / (2 * STRIP_QUARTERS);
  }

  private drawStrip(snapshot: Snapshot, from: number): void {
    const { width, height } = this.strip;
    const draw = this.strip.getContext("2d")!;
    const x = (quarter: number): number => ((quarter - from) / (2 * STRIP_QUARTERS)) * width;
    draw.fillStyle = "#e7dcc6";
    draw.fillRect(0, 0, width, height);
    draw.strokeStyle = INK;
    draw.fillStyle = INK;
    draw.textBaseline = "alphabetic";
    for (const { start_quarter, duration_quarter, number, numerator } of snapshot.measures) {
      if (start_quarter + duration_quarter < from || x(start_quarter) > width) continue;
      draw.lineWidth = 3;
      line(draw, x(start_quarter), 0.36 * height, height);
      draw.lineWidth = 1.5;
      for (let beat = 1; beat < numerator; beat++) line(draw, x(start_quarter + (duration_quarter * beat) / numerator), 0.8 * height, height);
      draw.font = `500 ${0.3 * height}px ${SERIF}`;
      draw.fillText(number, x(start_quarter) + 8, 0.7 * height);
    }
    const last = snapshot.measures[snapshot.measures.length - 1];
    if (last !== undefined) {
      draw.lineWidth = 8;
      line(draw, x(last.start_quarter + last.duration_quarter), 0.36 * height, height);
    }
    draw.font = `600 ${0.27 * height}px ${SERIF}`;
    draw.fillStyle = RED;
    let free = 0;
    for (const { quarter, text } of marks(snapshot)) {
      if (x(quarter) < free || x(quarter) > width) continue;
      draw.fillText(text, x(quarter), 0.28 * height);
      free = x(quarter) + draw.measureText(text).width + 20;
    }
    this.stripTexture.needsUpdate = true;
  }
}

function marks(snapshot: Snapshot): readonly { quarter: number; text: string }[] {
  return [...snapshot.rehearsal, ...snapshot.markings].sort((a, b) => a.quarter - b.quarter);
}

function nextMarking(snapshot: Snapshot, quarter: number): string {
  const next = marks(snapshot).find((mark) => mark.quarter > quarter && mark.quarter < quarter + STRIP_QUARTERS);
  return next?.text ?? "";
}

function line(draw: CanvasRenderingContext2D, x: number, from: number, to: number): void {
  draw.beginPath();
  draw.moveTo(x, from);
  draw.lineTo(x, to);
  draw.stroke();
}

function texture(canvas: HTMLCanvasElement): CanvasTexture {
  const made = new CanvasTexture(canvas);
  made.colorSpace = SRGBColorSpace;
  made.minFilter = LinearFilter;
  made.generateMipmaps = false;
  made.anisotropy = 4;
  return made;
}

function plane(width: number, height: number, map: CanvasTexture, y: number, lift: number): Mesh {
  const mesh = new Mesh(new PlaneGeometry(width, height), new MeshBasicMaterial({ map, toneMapped: false }));
  mesh.position.set(0, y, lift);
  return mesh;
}

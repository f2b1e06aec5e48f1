/** Drawing on 2-D canvases: the tempo curve, the beats of the bar, the baton's way. Values in, strokes out. */
import type { Ghost } from "./ghost";
import type { BeatStatistics, IctusPoint, TempoPoint, WayPoint } from "./review";

const GOLD = "#e0bb78";
const IVORY = "#f6eee0";
const MUTED = "#cbbda3";
const GRID = "rgb(246 238 224 / 13%)";
const MARKED = "#9db4c9";
const GHOST = "rgb(157 180 201 / 80%)";
const TAU = 2 * Math.PI;

/** Where to draw: size in CSS pixels; `unit` scales text and strokes (1 on a desktop, larger in a classroom). */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly unit: number;
}

export interface TempoChart {
  readonly points: readonly TempoPoint[];
  readonly played: (point: TempoPoint) => boolean;
  /** Marked beats a minute for each beat of the score. */
  readonly marked: ArrayLike<number>;
  /** The first and the last beat that are shown. */
  readonly first: number;
  readonly last: number;
  /** Where bars begin, and their printed numbers. */
  readonly bars: readonly { readonly beatIndex: number; readonly label: string }[];
}

function font(surface: Surface, size: number, weight = 400): string {
  return `${weight} ${size * surface.unit}px "Source Serif 4 Variable", Georgia, serif`;
}

function clear({ context, width, height }: Surface): void {
  context.clearRect(0, 0, width, height);
  context.setLineDash([]);
  context.lineCap = "round";
  context.lineJoin = "round";
}

/** Conducted tempo (line, a dot for each beat, hollow where the orchestra kept time by itself) over the marked one. */
export function drawTempo(surface: Surface, chart: TempoChart): void {
  const { context, width, height, unit } = surface;
  const { points, first, last, marked } = chart;
  clear(surface);
  const [left, right, top, bottom] = [34 * unit, width - 10 * unit, 10 * unit, height - 20 * unit];
  const x = (beat: number): number => left + ((right - left) * (beat - first)) / Math.max(1, last - first);
  const shown = points.filter(({ beatIndex }) => beatIndex >= first && beatIndex <= last);
  let [low, high] = [Infinity, -Infinity];
  for (const value of [...shown.map(({ bpm }) => bpm), ...Array.from({ length: last - first + 1 }, (_, i) => marked[first + i] ?? NaN)]) {
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (low > high) [low, high] = [60, 120];
  const pad = Math.max(6, 0.12 * (high - low));
  [low, high] = [Math.max(0, low - pad), high + pad];
  const y = (bpm: number): number => bottom - ((bottom - top) * (bpm - low)) / (high - low);

  context.font = font(surface, 12.5);
  context.textBaseline = "middle";
  context.lineWidth = unit;
  context.strokeStyle = GRID;
  context.fillStyle = MUTED;
  context.textAlign = "right";
  const step = [2, 5, 10, 20, 50, 100, 200].find((size) => (high - low) / size <= 4) ?? 400;
  for (let bpm = Math.ceil(low / step) * step; bpm <= high; bpm += step) {
    line(context, left, y(bpm), right, y(bpm));
    context.fillText(String(bpm), left - 7 * unit, y(bpm));
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  let labelled = -Infinity;
  for (const { beatIndex, label } of chart.bars) {
    const at = x(beatIndex);
    if (at < left - 1 || at > right) continue;
    line(context, at, top, at, bottom);
    if (at - labelled < 30 * unit) continue;
    context.fillText(label, at, height - 5 * unit);
    labelled = at;
  }

  context.strokeStyle = MARKED;
  context.lineWidth = 1.6 * unit;
  context.setLineDash([5 * unit, 4 * unit]);
  context.beginPath();
  for (let beat = first; beat <= last; beat++) {
    const bpm = marked[beat] ?? NaN;
    if (!Number.isFinite(bpm)) continue;
    context.lineTo(x(beat), y(bpm));
    context.lineTo(Math.min(right, x(beat + 1)), y(bpm));
  }
  context.stroke();
  context.setLineDash([]);

  context.strokeStyle = GOLD;
  context.lineWidth = 2.2 * unit;
  context.beginPath();
  for (const { beatIndex, bpm } of shown) context.lineTo(x(beatIndex), y(bpm));
  context.stroke();
  for (const point of shown) {
    context.beginPath();
    context.arc(x(point.beatIndex), y(point.bpm), 2.6 * unit, 0, TAU);
    context.fillStyle = chart.played(point) ? GOLD : "#1a120b";
    context.fill();
    if (!chart.played(point)) {
      context.lineWidth = 1.4 * unit;
      context.stroke();
    }
  }
  const newest = shown[shown.length - 1];
  if (newest !== undefined) {
    const [at, height_] = [x(newest.beatIndex), y(newest.bpm)];
    context.beginPath();
    context.arc(at, height_, 4.6 * unit, 0, TAU);
    context.fillStyle = IVORY;
    context.fill();
    context.font = font(surface, 15, 560);
    context.textAlign = at > right - 40 * unit ? "right" : "left";
    const number = String(Math.round(newest.bpm));
    const [beside, baseline] = [at + (at > right - 40 * unit ? -8 : 8) * unit, Math.max(top + 10 * unit, height_ - 7 * unit)];
    context.lineWidth = 5 * unit;
    context.lineJoin = "round";
    context.strokeStyle = "rgb(20 13 8 / 85%)"; // where the curve comes from, the number lies over it
    context.strokeText(number, beside, baseline);
    context.fillText(number, beside, baseline);
  }
}

/** For each beat of the bar: clarity as a column; below, the orchestra's lag as a point with its spread, in ms. */
export function drawBeats(surface: Surface, statistics: readonly BeatStatistics[], current: number): void {
  const { context, width, height, unit } = surface;
  clear(surface);
  const [left, right] = [42 * unit, width - 2 * unit];
  const foot = height - 38 * unit;
  if (foot < 24 * unit) return; // no room for it on a low screen
  const split = 0.5 * foot;
  const zero = split + 0.5 * (foot - split);
  const widest = Math.max(50, ...statistics.map(({ count, lagMs, scatterMs }) => (count > 0 ? Math.abs(lagMs) + scatterMs : 0)));
  const limit = [50, 100, 200, 300, 500, 1000].find((size) => size >= widest) ?? 2000;
  const y = (ms: number): number => zero - (0.42 * (foot - split) * Math.max(-limit, Math.min(limit, ms))) / limit;
  context.font = font(surface, 12.5);
  context.fillStyle = MUTED;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText("clear", left - 6 * unit, 0.5 * split);
  context.fillText("late", left - 6 * unit, zero - 0.24 * (foot - split));
  context.fillText("early", left - 6 * unit, zero + 0.24 * (foot - split));
  context.textBaseline = "alphabetic";
  context.fillText("ms", left - 6 * unit, height - 22 * unit);
  context.strokeStyle = GRID;
  context.lineWidth = unit;
  for (const at of [split, foot]) line(context, left, at, right, at);
  context.strokeStyle = MUTED;
  line(context, left, zero, right, zero);
  const slot = (right - left) / Math.max(1, statistics.length);
  for (const { beat, count, clarity, lagMs, scatterMs } of statistics) {
    const middle = left + slot * (beat - 0.5);
    const column = Math.min(26 * unit, 0.56 * slot);
    const most = split - 6 * unit;
    context.fillStyle = "rgb(246 238 224 / 9%)";
    bar(context, middle - column / 2, 2 * unit, column, most, 3 * unit);
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.font = font(surface, 14, beat === current ? 650 : 400);
    context.fillStyle = beat === current ? GOLD : MUTED;
    context.fillText(String(beat), middle, height - 5 * unit);
    if (count === 0) continue;
    const tall = most * Math.max(0.04, Math.min(1, clarity));
    context.fillStyle = GOLD;
    bar(context, middle - column / 2, split - 4 * unit - tall, column, tall, 3 * unit);
    context.strokeStyle = IVORY;
    context.lineWidth = 2 * unit;
    if (count > 1) line(context, middle, y(lagMs - scatterMs), middle, y(lagMs + scatterMs));
    context.beginPath();
    context.arc(middle, y(lagMs), 3.6 * unit, 0, TAU);
    context.fillStyle = IVORY;
    context.fill();
    if (slot > 24 * unit) {
      context.font = font(surface, 12);
      context.fillText(signed(lagMs), middle, height - 22 * unit);
    }
  }
}

export interface WayChart {
  readonly way: readonly WayPoint[];
  readonly icti: readonly IctusPoint[];
  /** Beats of the bar: so many of the newest icti are numbered. */
  readonly beats: number;
  readonly ghost: Ghost | null;
  readonly beatOf: (beatIndex: number) => number;
  /** How far the predicted beat is, 0 just beaten … 1 due; null where nothing is predicted. */
  readonly due: number | null;
  readonly confidence: number;
}

/** The baton's way, newest brightest, icti numbered by beat, over the ideal figure; a ring closes to the next beat. */
export function drawWay(surface: Surface, chart: WayChart): void {
  const { context, width, height, unit } = surface;
  const { way, icti, ghost } = chart;
  clear(surface);
  const newest = way[way.length - 1];
  if (newest === undefined) return;
  let [x0, x1, y0, y1] = [newest.x, newest.x, newest.y, newest.y];
  const extend = (x: number, y: number): void => {
    [x0, x1, y0, y1] = [Math.min(x0, x), Math.max(x1, x), Math.min(y0, y), Math.max(y1, y)];
  };
  for (const point of way) extend(point.x, point.y);
  for (const [x, y] of ghost?.way ?? []) extend(x, y);
  const margin = 14 * unit;
  const scale = Math.min((width - 2 * margin) / Math.max(0.2, x1 - x0), (height - 2 * margin) / Math.max(0.2, y1 - y0));
  const px = (x: number): number => width / 2 + scale * (x - (x0 + x1) / 2);
  const py = (y: number): number => height / 2 - scale * (y - (y0 + y1) / 2);

  if (ghost !== null) {
    context.strokeStyle = GHOST;
    context.lineWidth = 1.5 * unit;
    context.setLineDash([2 * unit, 5 * unit]);
    context.beginPath();
    for (const [x, y] of ghost.way) context.lineTo(px(x), py(y));
    context.stroke();
    context.setLineDash([]);
    for (const [x, y] of ghost.icti) ring(context, px(x), py(y), 5 * unit);
  }

  // A few strands of growing strength: one path each, so that a long way costs no more than a short one.
  const strands = 6;
  for (let strand = 0; strand < strands; strand++) {
    const from = Math.floor((way.length * strand) / strands);
    const to = Math.min(way.length - 1, Math.floor((way.length * (strand + 1)) / strands));
    context.strokeStyle = `rgb(224 187 120 / ${16 + 84 * ((strand + 1) / strands) ** 2}%)`;
    context.lineWidth = (1.2 + 1.6 * ((strand + 1) / strands)) * unit;
    context.beginPath();
    for (let index = from; index <= to; index++) smooth(context, way, index, index === from, px, py);
    context.stroke();
  }
  context.font = font(surface, 13, 620);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [index, ictus] of icti.entries()) {
    const latest = index >= icti.length - chart.beats;
    const at = [px(ictus.x), py(ictus.y)] as const;
    context.beginPath();
    context.arc(at[0], at[1], (latest ? 8.5 : 3) * unit, 0, TAU);
    context.fillStyle = latest ? IVORY : "rgb(246 238 224 / 55%)";
    context.fill();
    if (!latest) continue;
    context.fillStyle = "#1c1207";
    context.fillText(ictus.beatIndex < 0 ? "·" : String(chart.beatOf(ictus.beatIndex)), at[0], at[1] + unit);
  }
  const [bx, by] = [px(newest.x), py(newest.y)];
  context.beginPath();
  context.arc(bx, by, 5 * unit, 0, TAU);
  context.fillStyle = GOLD;
  context.fill();
  if (chart.due !== null) {
    context.strokeStyle = `rgb(246 238 224 / ${30 + 70 * chart.confidence}%)`;
    context.lineWidth = 2.4 * unit;
    context.beginPath();
    context.arc(bx, by, 11 * unit, -TAU / 4, -TAU / 4 + TAU * Math.max(0.001, Math.min(1, chart.due)));
    context.stroke();
  }
}

/** Through the middles between points: thirty points a second look like the curve that the hand drew. */
function smooth(context: CanvasRenderingContext2D, way: readonly WayPoint[], index: number, begins: boolean, px: (x: number) => number, py: (y: number) => number): void {
  const point = way[index]!;
  const next = way[index + 1];
  if (begins) {
    const before = way[index - 1] ?? point;
    context.moveTo(px((before.x + point.x) / 2), py((before.y + point.y) / 2));
  }
  if (next === undefined) context.lineTo(px(point.x), py(point.y));
  else context.quadraticCurveTo(px(point.x), py(point.y), px((point.x + next.x) / 2), py((point.y + next.y) / 2));
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function bar(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius: number): void {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(radius, height / 2));
  context.fill();
}

function ring(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, TAU);
  context.stroke();
}

/** Whole milliseconds with a sign, as `+30`, `−12`. */
export function signed(ms: number): string {
  const whole = Math.round(ms);
  return whole < 0 ? `−${-whole}` : `+${whole}`;
}

/** The conductor's view: a panel that shows what the orchestra makes of the gesture. */
import { lastAtOrBefore } from "../concert";
import type { Event, Snapshot, Tick } from "../generated/protocol";
import { h, setText } from "../ui/dom";
import { drawBeats, drawTempo, drawWay, signed, type Surface } from "./charts";
import { fitGhost, type Ghost } from "./ghost";
import { Review } from "./review";
import { articulationWords, dynamicWords, lineWords, STATE_WORDS } from "./words";

const BARS_BEHIND = 9;
const BARS_AHEAD = 2;
const SHOWN_LINES = 5;
/** Size of the panel at which text has its nominal size; it grows with the panel, as on a classroom's screen. */
const NOMINAL_WIDTH_PX = 400;
const NOMINAL_HEIGHT_PX = 480;
const REFIT_EVERY_MS = 250;
/** The cost that diagnostics tell is the median of so many drawings. */
const TIMED_DRAWINGS = 120;

export class ConductorView {
  private readonly review = new Review();
  private readonly state = h("strong", {}, STATE_WORDS.waiting);
  private readonly next = h("span", { class: "next" });
  private readonly asks = h("span", { class: "asks" });
  private readonly way = canvas("The baton’s way over the last two bars over the ideal figure");
  private readonly tempo = canvas("Conducted and marked tempo");
  private readonly beats = canvas("Clarity and lag of each beat of the bar");
  private readonly account = h("ol", { class: "account" });
  private readonly confidence = h("i");
  readonly element = h(
    "section",
    { class: "review", id: "review", "aria-label": "Conductor’s view", hidden: true },
    h("header", {}, this.state, h("span", { class: "sure", "aria-hidden": "true" }, this.confidence), this.next, this.asks),
    figure("Last two bars; dotted: ideal", "", this.way),
    figure("Beat by beat", "", this.beats),
    figure("Tempo; dashed: as marked", "wide", this.tempo),
    this.account,
  );
  private readonly surfaces = new Map<HTMLCanvasElement, Surface | null>();
  private snapshot: Snapshot | null = null;
  private drawnVersion = -1;
  private ghost: Ghost | null = null;
  private fittedMs = -Infinity;
  private readonly costsMs: number[] = [];
  private unit = 1;

  constructor() {
    const resized = new ResizeObserver(() => this.measure());
    resized.observe(this.element);
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  toggle(): boolean {
    this.element.hidden = !this.element.hidden;
    this.measure();
    return this.shown;
  }

  open(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.review.open(snapshot);
    this.ghost = null;
  }

  tick(tick: Tick): void {
    this.review.tick(tick);
  }

  event(event: Event): void {
    this.review.event(event);
  }

  /** Draws what changed; `sessionS` is the session's clock now. */
  show(sessionS: number): void {
    if (!this.shown) return;
    const began = performance.now();
    this.showState(sessionS);
    this.showWay(sessionS, began);
    if (this.drawnVersion !== this.review.version) {
      this.drawnVersion = this.review.version;
      this.showTempo();
      this.showBeats();
      this.showAccount();
    }
    this.costsMs.push(performance.now() - began);
    if (this.costsMs.length > TIMED_DRAWINGS) this.costsMs.shift();
  }

  /** Plain values for tests and reports of faults. */
  diagnostics(): Record<string, unknown> {
    const { review } = this;
    return {
      shown: this.shown,
      drawMs: [...this.costsMs].sort((a, b) => a - b)[this.costsMs.length >> 1] ?? 0,
      state: review.state,
      beats: review.conducted.length,
      wayPoints: review.way.length,
      icti: review.icti().length,
      ghost: this.ghost === null ? null : { mirrored: this.ghost.mirrored, icti: this.ghost.icti.length },
      statistics: review.statistics(),
      lines: review.lines.map(lineWords),
    };
  }

  private showState(sessionS: number): void {
    const { review } = this;
    const { tempo } = review;
    setText(this.state, STATE_WORDS[review.state]);
    const moving = tempo !== null && !tempo.stopped && (review.state === "playing" || review.state === "coasting" || review.state === "preparing");
    this.confidence.style.transform = `scaleX(${moving ? tempo.confidence.toFixed(2) : 0})`;
    const inS = moving ? Math.max(0, tempo.next_beat_s - sessionS) : 0;
    setText(this.next, moving ? `beat ${review.beatOf(tempo.beat_index + 1)} in ${(Math.round(10 * inS) / 10).toFixed(1)} s` : "");
    const attention = review.attention === "" ? "" : ` · eyes on ${review.attention}`;
    setText(this.asks, `${dynamicWords(review.level)}, ${articulationWords(review.articulation)}${attention}`);
  }

  private showWay(sessionS: number, nowMs: number): void {
    const surface = this.surface(this.way);
    if (surface === null) return;
    const { review } = this;
    const icti = review.icti();
    if (nowMs - this.fittedMs > REFIT_EVERY_MS) {
      this.fittedMs = nowMs;
      this.ghost = review.figure === null ? null : fitGhost(review.figure, review.way, icti, (index) => review.beatOf(index));
    }
    const { tempo } = review;
    const beating = tempo !== null && !tempo.stopped && review.state !== "waiting" && review.state !== "ended";
    const due = beating ? (sessionS - tempo.beat_s) / Math.max(0.05, tempo.next_beat_s - tempo.beat_s) : null;
    drawWay(surface, { way: review.way, icti, beats: review.beatsInBar, ghost: this.ghost, beatOf: (index) => review.beatOf(index), due, confidence: tempo?.confidence ?? 0 });
  }

  private showTempo(): void {
    const surface = this.surface(this.tempo);
    const { snapshot, review } = this;
    if (surface === null || snapshot === null || snapshot.beats.length === 0) return;
    const { beats, measures } = snapshot;
    const newest = review.conducted[review.conducted.length - 1]?.beatIndex ?? review.currentBeat;
    const bar = beats[Math.min(newest, beats.length - 1)]!.measure;
    const firstOf = (measure: number): number => lastAtOrBefore(beats, (beat) => beat.measure, measure - 1) + 1;
    const oldest = Math.max(0, Math.min(bar - BARS_BEHIND, measures.length - 1 - BARS_BEHIND - BARS_AHEAD));
    const first = firstOf(oldest);
    const last = Math.max(first + 1, Math.min(beats.length - 1, firstOf(Math.max(bar, oldest + BARS_BEHIND) + BARS_AHEAD + 1) - 1));
    const bars = [];
    for (let measure = beats[first]!.measure; measure <= beats[last]!.measure; measure++) bars.push({ beatIndex: firstOf(measure), label: measures[measure]?.number ?? "" });
    drawTempo(surface, { points: review.conducted, played: (point) => review.ictusFor(point) !== null, marked: review.marked, first, last, bars });
    const point = review.conducted[review.conducted.length - 1];
    const marked = review.marked[newest];
    if (point !== undefined) this.tempo.setAttribute("aria-label", `Tempo ${Math.round(point.bpm)} beats a minute${marked === undefined || Number.isNaN(marked) ? "" : `, marked ${Math.round(marked)}`}`);
  }

  private showBeats(): void {
    const surface = this.surface(this.beats);
    if (surface === null) return;
    const statistics = this.review.statistics();
    drawBeats(surface, statistics, this.review.beatOf(this.review.currentBeat));
    const words = statistics.filter(({ count }) => count > 0).map(({ beat, clarity, lagMs }) => `beat ${beat}: clarity ${Math.round(100 * clarity)} %, lag ${signed(lagMs)} ms`);
    this.beats.setAttribute("aria-label", words.length > 0 ? words.join("; ") : "No beats yet");
  }

  private showAccount(): void {
    const items = this.review.lines.slice(0, SHOWN_LINES).map((line, index) => {
      if (line.kind !== "bar") return h("li", { "data-kind": line.kind }, lineWords(line));
      const chips = line.beats.map(({ beat, knownMs }) => h("span", { class: knownMs === null ? "alone" : "", title: knownMs === null ? "played without an ictus" : `ictus known after ${Math.round(knownMs)} ms` }, h("b", {}, String(beat)), knownMs === null ? "–" : String(Math.round(knownMs))));
      return h("li", { "data-kind": "bar", "aria-label": lineWords(line) }, h("em", {}, `bar ${line.measure}`), ...chips, h("small", {}, index === 0 ? "ms until understood" : ""));
    });
    this.account.replaceChildren(...items);
  }

  private measure(): void {
    this.unit = Math.max(1, Math.min(this.element.clientWidth / NOMINAL_WIDTH_PX, this.element.clientHeight / NOMINAL_HEIGHT_PX));
    this.element.style.setProperty("--u", this.unit.toFixed(3));
    this.surfaces.clear();
    this.drawnVersion = -1;
  }

  /** The canvas with as many pixels as it has on the screen; null while it has no place. */
  private surface(target: HTMLCanvasElement): Surface | null {
    const known = this.surfaces.get(target);
    if (known !== undefined) return known;
    const { clientWidth: width, clientHeight: height } = target;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const context = target.getContext("2d");
    let surface: Surface | null = null;
    if (context !== null && width > 0 && height > 0) {
      target.width = Math.round(width * ratio);
      target.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      surface = { context, width, height, unit: this.unit };
    }
    this.surfaces.set(target, surface);
    return surface;
  }
}

function canvas(label: string): HTMLCanvasElement {
  return h("canvas", { role: "img", "aria-label": label });
}

function figure(caption: string, kind: string, inside: HTMLCanvasElement): HTMLElement {
  return h("figure", { class: kind }, h("figcaption", {}, caption), inside);
}

/** Where the music is: title, measure, beat, tempo, and the way through the score. */
import type { ShownPosition } from "../concert";
import type { Snapshot } from "../generated/protocol";
import { h, setText } from "./dom";

export const STATES: Readonly<Record<ShownPosition["state"], string>> = {
  waiting: "The orchestra is ready",
  preparing: "Preparatory beat",
  playing: "",
  coasting: "Keeping time",
  holding: "Holding",
  stopped: "Stopped",
  ended: "The end",
};

export class ScorePanel {
  readonly title = h("h1", { class: "title" }, "Tutti");
  readonly composer = h("p", { class: "composer" });
  readonly heading = h("header", { class: "heading" }, this.title, this.composer);
  private readonly measure = h("span", { class: "measure-number" }, "–");
  private readonly beats = h("span", { class: "beats", "aria-hidden": "true" });
  private readonly tempo = h("span", { class: "tempo-number" }, "–");
  private readonly stateText = h("p", { class: "state", role: "status", "aria-live": "polite" });
  readonly position = h(
    "section",
    { class: "position", "aria-label": "Score position" },
    h("div", { class: "figure" }, h("span", { class: "caption" }, "Bar"), this.measure),
    h("div", { class: "figure pulse" }, this.beats, this.stateText),
    h("div", { class: "figure" }, h("span", { class: "caption" }, "Beats a minute"), this.tempo),
  );
  readonly progress = h("input", {
    class: "progress",
    type: "range",
    min: "0",
    max: "1",
    value: "0",
    step: "1",
    "aria-label": "Place in the score",
    oninput: () => this.preview(),
    onchange: () => this.commit(),
  });
  private snapshot: Snapshot | null = null;
  private dragging = false;

  /** `seek`: the person chose the measure of that index. */
  constructor(private readonly seek: (measureIndex: number) => void) {
    // A drag back to where it began changes nothing, and says so to nobody.
    for (const kind of ["pointerup", "pointercancel", "blur"] as const) this.progress.addEventListener(kind, () => setTimeout(() => (this.dragging = false)));
    this.allowSeeking(false);
  }

  open(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    setText(this.title, snapshot.title || "Untitled");
    setText(this.composer, snapshot.composer);
    document.title = snapshot.title === "" ? "Tutti" : `${snapshot.title} – Tutti`;
    this.progress.max = String(Math.max(1, snapshot.measures.length - 1));
  }

  allowSeeking(allowed: boolean): void {
    this.progress.disabled = !allowed;
    if (!allowed) this.dragging = false;
  }

  /** What there is to say while nobody tells where the music is. */
  wait(words: string): void {
    setText(this.stateText, words);
  }

  show(position: ShownPosition): void {
    setText(this.measure, position.measure);
    setText(this.tempo, position.bpm > 0 ? String(Math.round(position.bpm)) : "–");
    setText(this.stateText, STATES[position.state]);
    this.showBeat(position);
    if (!this.dragging) this.progress.value = String(position.measureIndex);
    this.progress.style.setProperty("--done", `${(position.progress * 100).toFixed(2)}%`);
    this.progress.setAttribute("aria-valuetext", `Bar ${position.measure}`);
  }

  private showBeat(position: ShownPosition): void {
    const count = Math.min(12, position.beats);
    while (this.beats.childElementCount > count) this.beats.lastElementChild!.remove();
    while (this.beats.childElementCount < count) this.beats.append(h("i"));
    const sounding = position.state === "playing" || position.state === "coasting" || position.state === "holding";
    [...this.beats.children].forEach((dot, index) => dot.classList.toggle("on", sounding && index === position.beat - 1));
  }

  private preview(): void {
    this.dragging = true;
    const measure = this.snapshot?.measures[Number(this.progress.value)];
    if (measure !== undefined) setText(this.measure, measure.number);
  }

  private commit(): void {
    this.dragging = false;
    this.seek(Number(this.progress.value));
  }
}

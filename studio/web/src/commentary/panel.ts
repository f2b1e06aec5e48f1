/** A small panel beside the picture: which chord this is; opened, why, and how surprising an AI's last bar was. */
import type { ShownPosition } from "../concert";
import type { ChordInfo, Snapshot, SurpriseInfo, Surprises } from "../generated/protocol";
import { h, setText } from "../ui/dom";
import { Commentary, type Told } from "./commentary";
import { soloWords, surpriseWords } from "./words";

const SVG = "http://www.w3.org/2000/svg";
/** Surprise from which a note is as red as can be. */
const MOST_NATS = 5;
const WIDTH = 300;
const HEIGHT = 84;

export class CommentaryPanel {
  private readonly key = h("span", { class: "chord-key" });
  private readonly numeral = h("strong", {});
  private readonly head = h("button", { type: "button", "aria-expanded": "false", "aria-controls": "why", title: "Why this chord (W)", onclick: () => this.toggle() }, this.key, this.numeral);
  private readonly why = h("p", { class: "chord-why" });
  private readonly next = h("p", { class: "chord-next" });
  private readonly barTitle = h("h2", { title: "In nats: 0 is what was expected, 5 is a great surprise" });
  private readonly roll = document.createElementNS(SVG, "svg");
  private readonly noteWords = h("p", { class: "note-words", "aria-live": "polite" });
  private readonly bar = h("div", { class: "ai-bar", hidden: true }, this.barTitle, this.roll, this.noteWords);
  private readonly body = h("div", { id: "why", hidden: true }, this.why, this.next, this.bar);
  private readonly solo = h("p", { class: "solo-line", role: "status", hidden: true });
  private readonly chord = h("section", { class: "chord", "aria-label": "Chord and key", hidden: true }, this.head, this.body);
  readonly element = h("div", { class: "commentary" }, this.solo, this.chord);
  private readonly commentary = new Commentary();
  private snapshot: Snapshot | null = null;
  private shownChord: ChordInfo | null = null;
  private shownBar: Surprises | null = null;

  open(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.commentary.clear();
    this.shownChord = this.shownBar = null;
    this.chord.hidden = this.bar.hidden = this.solo.hidden = true;
  }

  take(message: Told): void {
    this.commentary.take(message);
    if (message.kind !== "Solo") return;
    this.solo.hidden = false;
    this.solo.dataset["state"] = message.state;
    setText(this.solo, soloWords(message));
  }

  toggle(): void {
    this.body.hidden = !this.body.hidden;
    this.head.setAttribute("aria-expanded", String(!this.body.hidden));
  }

  /** At the place that is heard now. */
  show(position: ShownPosition): void {
    const chord = this.commentary.chordAt(position.quarter);
    if (chord !== this.shownChord) {
      this.shownChord = chord;
      this.showChord(chord);
    }
    this.chord.hidden = chord === null && this.shownBar === null;
    const bar = this.commentary.barBefore(position.quarter);
    if (bar !== this.shownBar) {
      this.shownBar = bar;
      if (bar !== null) this.showBar(bar);
      this.bar.hidden = bar === null;
    }
  }

  /** Plain values for diagnostics. */
  get facts(): Record<string, unknown> {
    return { chord: this.shownChord, bar: this.shownBar?.measure ?? null, notes: this.shownBar?.notes.length ?? 0, solo: this.commentary.solo };
  }

  private showChord(chord: ChordInfo | null): void {
    if (chord === null) {
      for (const [element, text] of [[this.key, "Chord"], [this.numeral, "–"], [this.why, ""], [this.next, ""]] as const) setText(element, text);
      return;
    }
    setText(this.key, chord.key);
    setText(this.numeral, chord.numeral);
    setText(this.why, `${chord.why[0]?.toUpperCase() ?? ""}${chord.why.slice(1)}${chord.cadence === "" ? "." : ` (${chord.cadence}).`}`);
    const next = this.commentary.chordAfter(chord.quarter);
    setText(this.next, next === null ? "" : `Then ${next.numeral}${next.key === chord.key ? "" : ` in ${next.key}`}, bar ${next.measure}, beat ${next.beat}`);
  }

  private showBar(bar: Surprises): void {
    const mean = bar.notes.reduce((sum, { nats }) => sum + nats, 0) / Math.max(1, bar.notes.length);
    setText(this.barTitle, `Bar ${bar.measure} by ${bar.author}: surprise ${mean.toFixed(1)} a note`);
    const pitches = bar.notes.map(({ pitch }) => pitch);
    const low = Math.min(...pitches) - 1;
    const high = Math.max(...pitches) + 1;
    const x = (quarter: number): number => (WIDTH * (quarter - bar.from_quarter)) / (bar.to_quarter - bar.from_quarter);
    const height = Math.max(4, Math.min(9, HEIGHT / (high - low + 1)));
    this.roll.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.roll.setAttribute("role", "group");
    this.roll.setAttribute("aria-label", "Notes of the bar, coloured by surprise");
    this.roll.replaceChildren(
      ...bar.notes.map((note) => {
        const until = Math.min(bar.to_quarter, ...bar.notes.filter(({ part, quarter }) => part === note.part && quarter > note.quarter).map(({ quarter }) => quarter));
        const rect = document.createElementNS(SVG, "rect");
        const attributes = { x: x(note.quarter) + 1, y: HEIGHT - ((note.pitch - low) / (high - low)) * (HEIGHT - height) - height, width: Math.max(4, x(until) - x(note.quarter) - 2), height, rx: 2, fill: surpriseColour(note.nats), tabindex: 0, role: "button", "aria-label": this.wordsOf(note) };
        for (const [name, value] of Object.entries(attributes)) rect.setAttribute(name, String(value));
        for (const kind of ["pointerenter", "focus", "click"] as const) rect.addEventListener(kind, () => setText(this.noteWords, this.wordsOf(note)));
        return rect;
      }),
    );
    const boldest = [...bar.notes].sort((a, b) => b.nats - a.nats)[0];
    setText(this.noteWords, boldest === undefined ? "" : this.wordsOf(boldest));
  }

  private wordsOf(note: SurpriseInfo): string {
    return surpriseWords(note, this.snapshot?.parts ?? [], this.snapshot?.measures ?? []);
  }
}

/** Green for what was expected, gold, red for what surprises. */
export function surpriseColour(nats: number): string {
  const share = Math.min(1, Math.max(0, nats / MOST_NATS));
  return share < 0.5 ? `color-mix(in srgb, #7fae84, #e0bb78 ${Math.round(200 * share)}%)` : `color-mix(in srgb, #e0bb78, #d9564f ${Math.round(200 * share - 100)}%)`;
}

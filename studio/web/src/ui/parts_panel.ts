/** Which parts play now, how loud, and who is muted or alone: a list with a meter for each. Works without any picture. */
import type { NoteOff, NoteOn, PartInfo, PartSound } from "../generated/protocol";
import { PartLine, restingGesture } from "../scene/gesture";
import { h } from "./dom";

export interface PartActions {
  mute(part: number, on: boolean): void;
  solo(part: number, on: boolean): void;
}

interface Row {
  readonly line: PartLine;
  readonly bar: HTMLElement;
  readonly peak: HTMLElement;
  readonly item: HTMLElement;
  readonly mute: HTMLButtonElement;
  readonly solo: HTMLButtonElement;
  sound: PartSound | null;
  shown: number;
}

const ATTACK = 0.6;
const DECAY = 0.12;
/** Where the meters begin, in dB relative to full scale. */
const FLOOR_DB = -60;

export class PartsPanel {
  private readonly list = h("ul", { class: "parts-list" });
  readonly element = h("section", { class: "parts", id: "parts", "aria-label": "Who plays" }, h("h2", {}, "Orchestra"), this.list, h("p", { class: "parts-legend" }, "M: mute · S: hear it alone"));
  private rows: Row[] = [];
  private readonly gesture = restingGesture();

  constructor(private readonly actions: PartActions) {}

  open(parts: readonly PartInfo[]): void {
    this.rows = parts.map((part, index) => this.row(part, index));
    this.list.replaceChildren(...this.rows.map(({ item }) => item));
  }

  /** Whether this viewer may mute. */
  allow(controlling: boolean): void {
    this.element.classList.toggle("controlling", controlling);
  }

  /** What the studio measured of each part. */
  sound(parts: readonly PartSound[]): void {
    this.rows.forEach((row, index) => {
      const sound = parts[index] ?? null;
      row.sound = sound;
      row.mute.setAttribute("aria-pressed", String(sound?.muted ?? false));
      row.solo.setAttribute("aria-pressed", String(sound?.solo ?? false));
      row.item.classList.toggle("muted", sound?.muted ?? false);
      row.peak.style.left = `${(100 * meterShare(sound?.peak_db ?? FLOOR_DB)).toFixed(1)}%`;
      row.peak.hidden = sound === null || sound.peak_db <= FLOOR_DB;
    });
  }

  note(note: NoteOn): void {
    this.rows[note.part]?.line.add(note);
  }

  release(release: NoteOff): void {
    for (const { line } of this.rows) line.release(release);
  }

  silence(): void {
    for (const { line } of this.rows) line.clear();
  }

  /** Draws the bars for session time `timeS`: the level that is measured, or what the notes let expect where none is. Returns how many parts sound. */
  show(timeS: number): number {
    let sounding = 0;
    for (const row of this.rows) {
      const expected = row.line.at(timeS, this.gesture).level;
      const level = row.sound === null ? expected : meterShare(row.sound.rms_db);
      row.shown += (level - row.shown) * (level > row.shown ? ATTACK : DECAY);
      const playing = row.sound === null ? row.shown > 0.05 : expected > 0.05 || row.shown > 0.25;
      if (playing) sounding += 1;
      row.item.classList.toggle("playing", playing);
      row.bar.style.transform = `scaleX(${row.shown.toFixed(3)})`;
    }
    return sounding;
  }

  private row(part: PartInfo, index: number): Row {
    const bar = h("i");
    const peak = h("u", { hidden: true });
    const button = (letter: string, label: string, act: (on: boolean) => void): HTMLButtonElement => {
      const made = h("button", { type: "button", "aria-pressed": "false", "aria-label": `${label} ${part.name}`, title: `${label} ${part.name}` }, letter);
      made.addEventListener("click", () => act(made.getAttribute("aria-pressed") !== "true"));
      return made;
    };
    const mute = button("M", "Mute", (on) => this.actions.mute(index, on));
    const solo = button("S", "Hear alone:", (on) => this.actions.solo(index, on));
    solo.classList.add("solo");
    const item = h("li", { "data-family": part.family }, h("span", {}, part.name), h("b", { "aria-hidden": "true" }, bar, peak), mute, solo);
    return { line: new PartLine(), bar, peak, item, mute, solo, sound: null, shown: 0 };
  }
}

/** How far a meter goes at a level in dB: 0 at −60, 1 at full scale. */
export function meterShare(levelDb: number): number {
  return Math.min(1, Math.max(0, 1 - levelDb / FLOOR_DB));
}

/** Which parts play now: a list with a small bar for each. Works without any picture. */
import type { NoteOff, NoteOn, PartInfo } from "../generated/protocol";
import { PartLine, restingGesture } from "../scene/gesture";
import { h } from "./dom";

interface Row {
  readonly line: PartLine;
  readonly bar: HTMLElement;
  readonly item: HTMLElement;
  shown: number;
}

const ATTACK = 0.6;
const DECAY = 0.12;

export class PartsPanel {
  private readonly list = h("ul", { class: "parts-list" });
  readonly element = h("section", { class: "parts", id: "parts", "aria-label": "Who plays" }, h("h2", {}, "Orchestra"), this.list);
  private rows: Row[] = [];
  private readonly gesture = restingGesture();

  open(parts: readonly PartInfo[]): void {
    this.rows = parts.map((part) => {
      const bar = h("i");
      const item = h("li", { "data-family": part.family }, h("span", {}, part.name), h("b", { "aria-hidden": "true" }, bar));
      return { line: new PartLine(), bar, item, shown: 0 };
    });
    this.list.replaceChildren(...this.rows.map(({ item }) => item));
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

  /** Draws the bars for session time `timeS`. Returns how many parts sound. */
  show(timeS: number): number {
    let sounding = 0;
    for (const row of this.rows) {
      const { level } = row.line.at(timeS, this.gesture);
      row.shown += (level - row.shown) * (level > row.shown ? ATTACK : DECAY);
      const playing = row.shown > 0.05;
      if (playing) sounding += 1;
      row.item.classList.toggle("playing", playing);
      row.bar.style.transform = `scaleX(${row.shown.toFixed(3)})`;
    }
    return sounding;
  }
}

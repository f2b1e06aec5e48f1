/** What the studio tells of the music: chords, an AI's surprising notes, the soloist's place. No window, for tests. */
import type { ChordInfo, Harmony, Solo, Surprises } from "../generated/protocol";

export type Told = Harmony | Surprises | Solo;

/** Chords that were heard are told a beat late: the last one is shown for so long after it ended. */
const SHOWN_AFTER_QUARTERS = 4;
const KEPT_BARS = 8;

export class Commentary {
  solo: Solo | null = null;
  private chords: ChordInfo[] = [];
  private bars: Surprises[] = [];

  take(message: Told): void {
    switch (message.kind) {
      case "Harmony":
        this.chords = this.chords.filter((chord) => chord.end_quarter <= message.from_quarter + 1e-6 || chord.quarter >= message.to_quarter - 1e-6);
        this.chords = [...this.chords, ...message.chords].sort((a, b) => a.quarter - b.quarter);
        break;
      case "Surprises":
        this.bars = [...this.bars.filter(({ from_quarter }) => from_quarter !== message.from_quarter), message].slice(-KEPT_BARS);
        break;
      case "Solo":
        this.solo = message;
        break;
    }
  }

  /** A new line: what was told of an older one is told again. */
  clear(): void {
    this.chords = [];
    this.bars = [];
    this.solo = null;
  }

  /** The chord at `quarter`, or the last one before it. */
  chordAt(quarter: number): ChordInfo | null {
    const begun = this.chords.filter((chord) => chord.quarter <= quarter + 1e-6);
    const chord = begun[begun.length - 1];
    return chord === undefined || quarter > chord.end_quarter + SHOWN_AFTER_QUARTERS ? null : chord;
  }

  /** The chord that follows the one at `quarter`, where it is known. */
  chordAfter(quarter: number): ChordInfo | null {
    return this.chords.find((chord) => chord.quarter > quarter + 1e-6) ?? null;
  }

  /** The newest bar of an AI that is over at `quarter`. */
  barBefore(quarter: number): Surprises | null {
    const over = this.bars.filter((bar) => bar.to_quarter <= quarter + 1);
    return over[over.length - 1] ?? null;
  }
}

import { describe, expect, it } from "vitest";
import { Commentary } from "../src/commentary/commentary";
import { surpriseColour } from "../src/commentary/panel";
import { pitchName, soloWords, surpriseWords } from "../src/commentary/words";
import type { ChordInfo, Harmony, MeasureInfo, PartInfo, Solo, SurpriseInfo, Surprises } from "../src/generated/protocol";

const chord = (quarter: number, numeral: string, length = 1): ChordInfo => ({ quarter, end_quarter: quarter + length, measure: "1", beat: 1 + (quarter % 4), numeral, key: "C major", why: "", cadence: "" });
const harmony = (from: number, to: number, ...chords: ChordInfo[]): Harmony => ({ kind: "Harmony", from_quarter: from, to_quarter: to, chords });
const bar = (from: number): Surprises => ({ kind: "Surprises", author: "ai:parts", measure: String(1 + from / 4), from_quarter: from, to_quarter: from + 4, notes: [] });
const PARTS: PartInfo[] = ["Soprano", "Alto"].map((name) => ({ name, abbreviation: "", instrument: "soprano", family: "voice" }));
const MEASURES: MeasureInfo[] = [0, 4].map((start, index) => ({ start_quarter: start, duration_quarter: 4, number: String(index + 1), numerator: 4, denominator: 4 }));
const SOLO: Solo = { kind: "Solo", part: "Violin solo", state: "following", quarter: 33, measure: "9", beat: 2, bpm: 91.6, confidence: 0.9, apart_quarters: 0.1 };

describe("chords", () => {
  it("are told anew where they were heard anew, and kept elsewhere", () => {
    const commentary = new Commentary();
    commentary.take(harmony(0, 8, chord(0, "I"), chord(1, "IV"), chord(2, "V", 2), chord(4, "I", 4)));
    commentary.take(harmony(4, 8, chord(4, "vi", 2), chord(6, "ii", 2)));
    expect([0, 1.5, 3, 4, 6].map((quarter) => commentary.chordAt(quarter)?.numeral)).toEqual(["I", "IV", "V", "vi", "ii"]);
    expect(commentary.chordAfter(2)?.numeral).toBe("vi");
  });
  it("stay for a bar where they are told late, and no longer", () => {
    const commentary = new Commentary();
    commentary.take(harmony(0, 1, chord(0, "I")));
    expect(commentary.chordAt(4.5)?.numeral).toBe("I");
    expect(commentary.chordAt(6)).toBeNull();
    commentary.clear();
    expect(commentary.chordAt(0)).toBeNull();
  });
});

describe("an AI's bars", () => {
  it("are shown when they are over; one that was played again replaces itself", () => {
    const commentary = new Commentary();
    commentary.take(bar(0));
    commentary.take(bar(4));
    const again = bar(0);
    commentary.take(again);
    expect(commentary.barBefore(2)).toBeNull();
    expect(commentary.barBefore(4)).toBe(again);
  });
});

describe("words", () => {
  it("name pitches", () => {
    expect([60, 61, 69, 70].map(pitchName)).toEqual(["C4", "C♯4", "A4", "B♭4"]);
  });
  it("say what spoke for a surprising note", () => {
    const note: SurpriseInfo = { part: 1, quarter: 5, pitch: 61, nats: 3.94, expected: 60, odds: 0.404, because: [{ part: 0, quarter: 3, pitch: 76, nats: 0.75 }, { part: 2, quarter: 4, pitch: 64, nats: 0.5 }] };
    expect(surpriseWords(note, PARTS, MEASURES)).toBe("Alto C♯4: surprise 3.9; C4 was likelier (40 %); for it spoke Soprano’s E5 in bar 1 (+0.8), your E4 in bar 2 (+0.5)");
    expect(surpriseWords({ ...note, expected: 0, because: [] }, PARTS, MEASURES)).toBe("Alto C♯4: surprise 3.9");
  });
  it("say where the soloist is", () => {
    expect(soloWords(SOLO)).toBe("Violin solo: bar 9, beat 2, 92 quarters a minute");
    expect(soloWords({ ...SOLO, state: "paused" })).toContain("the orchestra waits");
    expect(soloWords({ ...SOLO, state: "lost" })).toContain("lost near bar 9");
  });
});

describe("the colour of a surprise", () => {
  it("goes from green over gold to red", () => {
    expect(surpriseColour(0)).toContain("#7fae84, #e0bb78 0%");
    expect(surpriseColour(2.5)).toContain("#d9564f 0%");
    expect(surpriseColour(50)).toContain("#d9564f 100%");
  });
});

/** Commentary in words. */
import type { InfluenceInfo, MeasureInfo, PartInfo, Solo, SurpriseInfo } from "../generated/protocol";
import { lastAtOrBefore } from "../concert";

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"] as const;

/** `A4` for 69. */
export function pitchName(pitch: number): string {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}

/** Where the soloist is, as a sentence; empty before anybody was heard. */
export function soloWords(solo: Solo): string {
  const place = `bar ${solo.measure}, beat ${solo.beat}`;
  switch (solo.state) {
    case "waiting":
      return `${solo.part}: not heard yet, expected at ${place}`;
    case "following":
      return `${solo.part}: ${place}, ${Math.round(solo.bpm)} quarters a minute`;
    case "paused":
      return `${solo.part}: ${place}; the orchestra waits for the next note`;
    case "lost":
      return `${solo.part}: lost near ${place}; the orchestra listens for where it goes on`;
    case "ended":
      return `${solo.part}: at the end`;
  }
}

/** A note's surprise, and what spoke for it. */
export function surpriseWords(note: SurpriseInfo, parts: readonly PartInfo[], measures: readonly MeasureInfo[]): string {
  const said = [`${partName(note.part, parts)} ${pitchName(note.pitch)}: surprise ${note.nats.toFixed(1)}`];
  if (note.expected > 0) said.push(`${pitchName(note.expected)} was likelier (${Math.round(100 * note.odds)} %)`);
  if (note.because.length > 0) said.push(`for it spoke ${note.because.map((one) => influenceWords(one, parts, measures)).join(", ")}`);
  return said.join("; ");
}

function influenceWords(one: InfluenceInfo, parts: readonly PartInfo[], measures: readonly MeasureInfo[]): string {
  const measure = measures[lastAtOrBefore(measures, (m) => m.start_quarter, one.quarter)]?.number ?? "?";
  const whose = parts[one.part] === undefined ? "your" : `${partName(one.part, parts)}’s`;
  return `${whose} ${pitchName(one.pitch)} in bar ${measure} (+${one.nats.toFixed(1)})`;
}

/** The part after the last is whoever plays beside the score. */
function partName(part: number, parts: readonly PartInfo[]): string {
  return parts[part]?.name ?? "You";
}

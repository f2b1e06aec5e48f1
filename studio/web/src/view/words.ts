/** What the orchestra understood, in words. */
import type { PositionInfo, Signed } from "../generated/protocol";
import type { Line } from "./review";

export const STATE_WORDS: Readonly<Record<PositionInfo["state"], string>> = {
  waiting: "Waiting for an upbeat",
  preparing: "Upbeat seen",
  playing: "Playing with you",
  coasting: "Keeping time alone",
  holding: "Holding",
  stopped: "Stopped",
  ended: "The end",
};

const SIGN_WORDS: Readonly<Record<Signed["sign"], string>> = {
  cue: "Cue",
  raise: "Come forward",
  hush: "Hush",
  hold: "Hold the sound",
  cut_off: "Cut-off",
};

/** A sign and to whom it was given. */
export function signWords(sign: Signed["sign"], section: string): string {
  return section === "" ? SIGN_WORDS[sign] : `${SIGN_WORDS[sign]}: ${section}`;
}

/** A line of the running account, as plain text. */
export function lineWords(line: Line): string {
  switch (line.kind) {
    case "bar":
      return `Bar ${line.measure}: ${line.beats.map(({ beat, knownMs }) => `${beat} ${knownMs === null ? "alone" : `${Math.round(knownMs)} ms`}`).join(", ")}`;
    case "state":
      return STATE_WORDS[line.state];
    case "sign":
      return signWords(line.sign, line.section);
  }
}

/** The dynamic that a level (0–1, 0.5 as written) asks for, beside the written one. */
export function dynamicWords(level: number): string {
  if (level < 0.2) return "much softer";
  if (level < 0.42) return "softer";
  if (level <= 0.58) return "as written";
  return level < 0.8 ? "louder" : "much louder";
}

/** The articulation (−1 legato … +1 staccato) in a word. */
export function articulationWords(value: number): string {
  return value < -0.3 ? "legato" : value > 0.3 ? "staccato" : "neutral";
}

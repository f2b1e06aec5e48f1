/**
 * From the notes of a part to what its players do: pure functions of session time, no three.js.
 *
 * Notes arrive a little ahead of their sound, so that a breath or a raised beater can come before the onset.
 */
import type { NoteOff, NoteOn } from "../generated/protocol";

/** What a part does at one moment. All players of the part share it; each adds its own small delay and size. */
export interface PartGesture {
  /** Place of the bow's contact between frog (0) and tip (1). */
  bow: number;
  /** 0 bow on the string or instrument at the lips … 1 lifted or lowered in a rest. */
  rest: number;
  /** 0–1, rises in the half second before an entry after a rest and falls at the onset. */
  breath: number;
  /** 0 hand at rest height … −1 at the drum or string, +1 raised for the stroke. */
  strike: number;
  /** Which hand strikes: +1 right, −1 left. */
  hand: number;
  /** 0–1 how loud the part sounds now, decaying through each note. */
  level: number;
  /** 0–1, shows an entry after a rest and fades in about two seconds. */
  entry: number;
  tremolo: number;
  /** MIDI number of what sounds or comes next. */
  pitch: number;
}

interface Stroke {
  readonly id: number;
  readonly onsetS: number;
  endS: number;
  readonly velocity: number;
  readonly pitch: number;
  readonly articulation: NoteOn["articulation"];
  /** Bow at the onset and at the end, 0–1. */
  readonly from: number;
  readonly to: number;
  readonly hand: number;
  /** Silence before this stroke, seconds. */
  readonly restS: number;
}

const KEEP_S = 4;
const CHORD_S = 0.03;
const BREATH_S = 0.45;
const LONG_REST_S = 1.2;

/** The strokes of one part near now. Chords are one stroke. */
export class PartLine {
  private strokes: Stroke[] = [];
  private bow = 0.2;
  private hand = 1;

  add(note: NoteOn): void {
    const last = this.strokes[this.strokes.length - 1];
    if (last !== undefined && note.onset_s < last.onsetS + CHORD_S) {
      last.endS = Math.max(last.endS, note.onset_s + note.duration_s);
      return;
    }
    const travel = note.articulation === "tremolo" ? 0 : Math.min(0.75, 0.1 + 0.38 * note.duration_s * speedOf(note.velocity));
    const room = this.hand > 0 ? 1 - this.bow : this.bow;
    // A stroke turns back when the bow would run out; otherwise strokes alternate.
    if (room < travel) this.hand = this.bow < 0.5 ? 1 : -1;
    const to = Math.min(1, Math.max(0, this.bow + this.hand * travel));
    this.strokes.push({
      id: note.note_id,
      onsetS: note.onset_s,
      endS: note.onset_s + note.duration_s,
      velocity: note.velocity,
      pitch: note.pitch,
      articulation: note.articulation,
      from: this.bow,
      to,
      hand: this.hand,
      restS: last === undefined ? Infinity : note.onset_s - last.endS,
    });
    this.bow = to;
    this.hand = -this.hand;
  }

  release(release: NoteOff): void {
    const stroke = this.strokes.find(({ id }) => id === release.note_id);
    if (stroke !== undefined) stroke.endS = Math.max(stroke.onsetS + 0.05, release.time_s);
  }

  /** Forgets everything: after a seek or a reconnection. */
  clear(): void {
    this.strokes = [];
  }

  /** Writes what the part does at `timeS` to `out`. Times may only be asked in roughly rising order. */
  at(timeS: number, out: PartGesture): PartGesture {
    while (this.strokes.length > 1 && this.strokes[1]!.onsetS <= timeS && this.strokes[0]!.endS < timeS - KEEP_S) this.strokes.shift();
    let current: Stroke | undefined;
    let next: Stroke | undefined;
    for (const stroke of this.strokes) {
      if (stroke.onsetS <= timeS) current = stroke;
      else {
        next = stroke;
        break;
      }
    }
    const untilNext = next === undefined ? Infinity : next.onsetS - timeS;
    out.bow = bowAt(timeS, current, next);
    out.rest = restAt(timeS, current, untilNext);
    out.breath = next !== undefined && next.restS > 0.35 && untilNext < BREATH_S ? Math.sin((1 - untilNext / BREATH_S) * Math.PI) : 0;
    out.strike = strikeAt(timeS, current, next);
    out.hand = untilNext < 0.2 ? next!.hand : (current?.hand ?? 1);
    out.level = current === undefined ? 0 : levelAt(timeS, current);
    out.entry = current !== undefined && current.restS > LONG_REST_S ? Math.exp(-Math.max(0, timeS - current.onsetS) / 1.1) : 0;
    out.tremolo = current !== undefined && current.articulation === "tremolo" && timeS < current.endS ? 1 : 0;
    out.pitch = (untilNext < 0.12 ? next : (current ?? next))?.pitch ?? out.pitch;
    return out;
  }
}

/** A gesture at rest, to be filled by `PartLine.at`. */
export function restingGesture(): PartGesture {
  return { bow: 0.3, rest: 1, breath: 0, strike: 0, hand: 1, level: 0, entry: 0, tremolo: 0, pitch: 0 };
}

function speedOf(velocity: number): number {
  return 0.6 + velocity / 127;
}

function smooth(x: number): number {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
}

function bowAt(timeS: number, current: Stroke | undefined, next: Stroke | undefined): number {
  if (current === undefined) return next?.from ?? 0.3;
  const span = Math.max(0.06, current.endS - current.onsetS);
  const share = (timeS - current.onsetS) / span;
  // Détaché starts and ends its stroke softly; the hand still moves nearly evenly.
  return current.from + (current.to - current.from) * (0.6 * Math.min(1, Math.max(0, share)) + 0.4 * smooth(share));
}

function restAt(timeS: number, current: Stroke | undefined, untilNext: number): number {
  const since = current === undefined ? Infinity : timeS - current.endS;
  if (since <= 0) return 0;
  return Math.min(smooth((since - 0.12) / 0.7), smooth((untilNext - 0.08) / 0.6));
}

function strikeAt(timeS: number, current: Stroke | undefined, next: Stroke | undefined): number {
  const before = next === undefined ? Infinity : next.onsetS - timeS;
  // Up in the 0.3 s before, down in the last 70 ms, a short rebound after.
  if (before < 0.07) return 1 - 2 * (1 - before / 0.07);
  if (before < 0.3) return smooth((0.3 - before) / 0.23);
  if (current === undefined) return 0;
  const since = timeS - current.onsetS;
  return since < 0.25 ? -1 + smooth(since / 0.25) : 0;
}

function levelAt(timeS: number, stroke: Stroke): number {
  const loud = stroke.velocity / 127;
  if (timeS > stroke.endS) return loud * Math.exp(-(timeS - stroke.endS) / 0.15);
  return loud * (0.75 + 0.25 * Math.exp(-(timeS - stroke.onsetS) / 0.3));
}

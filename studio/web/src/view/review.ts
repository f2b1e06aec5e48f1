/**
 * What the orchestra understood of the gesture, gathered from what the relay tells: tempo beat by beat, icti, the
 * baton's way, signs. No window here: values in, values out (the report of a take computes the same in Python).
 */
import type { Event, FigureInfo, PositionInfo, Signed, Snapshot, TempoInfo, Tick } from "../generated/protocol";
import { lastAtOrBefore } from "../concert";

/** The way is kept for so many bars, and so many seconds where nothing is beaten. */
export const WAY_BARS = 2;
const WAY_IDLE_S = 3;
const WAY_LONGEST_S = 24;
/** Clarity, lag and steadiness are those of the last bars, so that a conductor sees what practice changes. */
export const STATISTICS_BARS = 8;
const KEPT_LINES = 12;
/** The last ictus of a bar may be known when the next bar has begun; what is older has been and gone. */
const OPEN_BARS = 2;
/** An ictus this many beat periods from a crossing was not meant for it. */
const MATCH_PERIODS = 0.6;

/** One beat as it was conducted and as it is marked; both in conductor's beats a minute. */
export interface TempoPoint {
  readonly beatIndex: number;
  readonly quarter: number;
  readonly timeS: number;
  readonly bpm: number;
}

export interface IctusPoint {
  readonly beatIndex: number;
  readonly timeS: number;
  readonly knownMs: number;
  readonly clarity: number;
  /** Where the baton was, metres from the conductor: right and up. */
  readonly x: number;
  readonly y: number;
}

export interface WayPoint {
  readonly timeS: number;
  readonly x: number;
  readonly y: number;
}

/** What is known of one beat of the bar. `lagMs`: how long after the ictus the orchestra played; `scatterMs` its spread. */
export interface BeatStatistics {
  readonly beat: number;
  readonly count: number;
  readonly clarity: number;
  readonly lagMs: number;
  readonly scatterMs: number;
}

export interface BarLine {
  readonly kind: "bar";
  readonly measure: string;
  /** Which of the played measures the bar is: a repeat has numbers of its own here. */
  readonly played: number;
  readonly beats: { readonly beat: number; readonly knownMs: number | null }[];
}
export interface StateLine {
  readonly kind: "state";
  readonly state: PositionInfo["state"];
}
export interface SignLine {
  readonly kind: "sign";
  readonly sign: Signed["sign"];
  readonly section: string;
}
/** One thing that the orchestra understood. */
export type Line = { readonly timeS: number } & (BarLine | StateLine | SignLine);

export class Review {
  readonly lines: Line[] = [];
  tempo: TempoInfo | null = null;
  state: PositionInfo["state"] = "waiting";
  level = 0.5;
  articulation = 0;
  attention = "";
  /** Grows with every beat, ictus or line, so that pictures are drawn anew only then. */
  version = 0;
  /** Marked tempo of each conductor's beat, beats a minute. */
  marked: Float32Array = new Float32Array(0);
  private snapshot: Snapshot | null = null;
  private points: TempoPoint[] = [];
  private ictusOf = new Map<number, IctusPoint>();
  private points2d: WayPoint[] = [];
  private beatIndex = 0;

  open(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.marked = markedTempi(snapshot);
    this.points = [];
    this.ictusOf.clear();
    this.points2d = [];
    this.lines.length = 0;
    this.tempo = null;
    this.state = "waiting";
    this.beatIndex = 0;
    this.version++;
  }

  tick(tick: Tick): void {
    this.tempo = tick.tempo;
    this.level = tick.level;
    this.articulation = tick.articulation;
    this.attention = tick.attention;
    if (tick.position !== null) {
      this.beatIndex = Math.max(0, Math.floor(tick.position.beat + 1e-6));
      if (tick.position.state !== this.state) {
        this.state = tick.position.state;
        this.add({ kind: "state", state: this.state, timeS: tick.position.time_s });
      }
    }
    const baton = tick.poses.find(({ device }) => device === "baton");
    if (baton !== undefined) this.move(baton.time_s, baton.position_m[0], baton.position_m[1]);
  }

  event(event: Event): void {
    switch (event.kind) {
      case "Crossing":
        // A start from an earlier place begins the curve anew from there.
        while (this.points.length > 0 && this.points[this.points.length - 1]!.beatIndex >= event.beat_index) this.points.pop();
        this.points.push({ beatIndex: event.beat_index, quarter: event.quarter, timeS: event.time_s, bpm: event.bpm });
        this.note(event.beat_index, event.time_s, null);
        break;
      case "Ictus": {
        const place = this.placeAt(event.time_s);
        const knownMs = Math.max(0, 1000 * (event.detected_s - event.time_s));
        this.ictusOf.set(event.beat_index, { beatIndex: event.beat_index, timeS: event.time_s, knownMs, clarity: event.clarity, ...place });
        if (event.beat_index >= 0) this.note(event.beat_index, event.time_s, knownMs);
        break;
      }
      case "Signed":
        this.sign(event);
        break;
      default:
        return;
    }
    this.version++;
  }

  /** The beats conducted so far in this pass, in order. */
  get conducted(): readonly TempoPoint[] {
    return this.points;
  }

  /** The baton's way over the last bars, oldest first. */
  get way(): readonly WayPoint[] {
    return this.points2d;
  }

  /** Beats in the bar that is played. */
  get beatsInBar(): number {
    const { snapshot } = this;
    return Math.max(1, snapshot?.beats[Math.min(this.beatIndex, snapshot.beats.length - 1)]?.beats_in_measure ?? 1);
  }

  get currentBeat(): number {
    return this.beatIndex;
  }

  /** The ideal figure of this metre; null where the relay told none. */
  get figure(): FigureInfo | null {
    return this.snapshot?.figures.find(({ beats }) => beats === this.beatsInBar) ?? null;
  }

  /** Beat of the bar from 1, of a beat of the score. */
  beatOf(beatIndex: number): number {
    return this.snapshot?.beats[beatIndex]?.beat ?? 1;
  }

  /** The icti of the way that is shown, oldest first. */
  icti(): IctusPoint[] {
    const since = this.points2d[0]?.timeS ?? Infinity;
    return [...this.ictusOf.values()].filter(({ timeS }) => timeS >= since).sort((a, b) => a.timeS - b.timeS);
  }

  /** Clarity, lag and steadiness of each beat of the bar over the last bars in this metre. */
  statistics(): BeatStatistics[] {
    const { snapshot, beatsInBar } = this;
    if (snapshot === null) return [];
    const measure = snapshot.beats[Math.min(this.beatIndex, snapshot.beats.length - 1)]?.measure ?? 0;
    const groups: { clarity: number[]; lagMs: number[] }[] = Array.from({ length: beatsInBar }, () => ({ clarity: [], lagMs: [] }));
    for (const point of this.points) {
      const beat = snapshot.beats[point.beatIndex];
      if (beat === undefined || beat.measure <= measure - STATISTICS_BARS || beat.beats_in_measure !== beatsInBar) continue;
      const ictus = this.ictusFor(point);
      const group = groups[beat.beat - 1];
      if (group === undefined || ictus === null) continue;
      group.clarity.push(ictus.clarity);
      group.lagMs.push(1000 * (point.timeS - ictus.timeS));
    }
    return groups.map(({ clarity, lagMs }, index) => ({ beat: index + 1, count: lagMs.length, clarity: mean(clarity), lagMs: mean(lagMs), scatterMs: spread(lagMs) }));
  }

  /** The ictus that was meant for a beat; null where the orchestra went on by itself. */
  ictusFor(point: TempoPoint): IctusPoint | null {
    const ictus = this.ictusOf.get(point.beatIndex);
    return ictus !== undefined && Math.abs(ictus.timeS - point.timeS) < (MATCH_PERIODS * 60) / Math.max(1, point.bpm) ? ictus : null;
  }

  private move(timeS: number, x: number, y: number): void {
    const last = this.points2d[this.points2d.length - 1];
    if (last !== undefined && timeS < last.timeS) this.points2d = [];
    if (last?.timeS === timeS) return;
    this.points2d.push({ timeS, x, y });
    const periodS = this.tempo?.beat_period_s ?? 0;
    const keptS = Math.min(WAY_LONGEST_S, Math.max(WAY_IDLE_S, WAY_BARS * this.beatsInBar * periodS));
    let old = 0;
    while (old < this.points2d.length && this.points2d[old]!.timeS < timeS - keptS) old++;
    if (old > 0) this.points2d.splice(0, old);
  }

  private placeAt(timeS: number): { x: number; y: number } {
    const way = this.points2d;
    const index = lastAtOrBefore(way, (point) => point.timeS, timeS);
    const before = way[Math.max(0, index)];
    const after = way[index + 1] ?? before;
    if (before === undefined || after === undefined) return { x: 0, y: 0 };
    const share = after.timeS > before.timeS ? Math.min(1, Math.max(0, (timeS - before.timeS) / (after.timeS - before.timeS))) : 0;
    return { x: before.x + share * (after.x - before.x), y: before.y + share * (after.y - before.y) };
  }

  /** A beat of the bar, played (`knownMs` null) or seen: one line for each bar. */
  private note(beatIndex: number, timeS: number, knownMs: number | null): void {
    const info = this.snapshot?.beats[beatIndex];
    if (info === undefined) return;
    const played = info.measure;
    const open = this.lines.filter((line) => line.kind === "bar").slice(0, OPEN_BARS);
    const measure = this.snapshot?.measures[played]?.number ?? "";
    const bar = open.find((line) => line.played === played) ?? this.add({ kind: "bar", measure, played, beats: [], timeS });
    const at = bar.beats.findIndex(({ beat }) => beat >= info.beat);
    const known = bar.beats[at];
    if (known !== undefined && known.beat === info.beat) bar.beats[at] = { beat: info.beat, knownMs: knownMs ?? known.knownMs };
    else bar.beats.splice(at < 0 ? bar.beats.length : at, 0, { beat: info.beat, knownMs });
  }

  /** A sign that goes on (a hand that stays raised) is one line. */
  private sign(event: Signed): void {
    const last = this.lines.find(({ kind }) => kind !== "bar");
    if (last?.kind === "sign" && last.sign === event.sign && last.section === event.section && event.time_s - last.timeS < 3) return;
    this.add({ kind: "sign", sign: event.sign, section: event.section, timeS: event.time_s });
  }

  private add<T extends Line>(line: T): T {
    this.lines.unshift(line);
    this.lines.length = Math.min(this.lines.length, KEPT_LINES);
    this.version++;
    return line;
  }
}

/** The marks of the score in conductor's beats a minute, for each beat. */
export function markedTempi(snapshot: Snapshot): Float32Array {
  const { beats, tempos, end_quarter } = snapshot;
  return Float32Array.from(beats, ({ quarter }, index) => {
    const duration = (beats[index + 1]?.quarter ?? end_quarter) - quarter;
    const mark = tempos[Math.max(0, lastAtOrBefore(tempos, (t) => t.quarter, quarter))];
    return mark === undefined || duration <= 0 ? NaN : mark.quarter_bpm / duration;
  });
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation; 0 for fewer than two values. */
function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

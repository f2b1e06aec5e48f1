/** The state of the concert as the relay tells it: no window, no network, so that tests can drive it. */
import type { Told } from "./commentary/commentary";
import {
  type Event,
  type Interaction,
  NOBODY,
  type NoteOn,
  type PlayerInfo,
  PODIUM,
  type PoseInfo,
  type PositionInfo,
  type Presence,
  type ServerMessage,
  type Snapshot,
  type SoundStatus,
  type Tick,
  type ViewerInfo,
} from "./generated/protocol";

export interface ConcertEvents {
  /** A new whole: the first, or the line is back. */
  opened(snapshot: Snapshot): void;
  placed(players: readonly PlayerInfo[]): void;
  /** The orchestra went to another hall, which `picture` shows. */
  entered?(picture: string): void;
  present(): void;
  event(event: Event): void;
  /** What sounds now, after a gap: forget all other notes. */
  sounding(notes: readonly NoteOn[]): void;
  pose(pose: PoseInfo): void;
  /** A tick, before its events. */
  ticked(tick: Tick): void;
  notice(text: string): void;
  /** How the sound does. */
  sounded?(status: SoundStatus): void;
  /** What happens in the music, and where a soloist is. */
  told?(message: Told): void;
  /** What one's own pointing came to. */
  interacted?(message: Interaction): void;
}

export interface ShownPosition {
  readonly quarter: number;
  readonly measure: string;
  readonly measureIndex: number;
  /** Beat in the measure from 1, and how many the measure has. */
  readonly beat: number;
  readonly beats: number;
  readonly bpm: number;
  readonly state: PositionInfo["state"];
  /** 0–1 through the score. */
  readonly progress: number;
}

const KEPT_POSITIONS = 40;

export class Concert {
  snapshot: Snapshot | null = null;
  presence: Presence | null = null;
  private positions: PositionInfo[] = [];
  private nextEvent = 0;
  private missed = 0;

  constructor(private readonly events: ConcertEvents) {}

  take(message: Exclude<ServerMessage, { kind: "Audio" | "Pong" }>): void {
    switch (message.kind) {
      case "Snapshot":
        this.snapshot = message;
        this.presence = message.presence;
        this.positions = message.position === null ? [] : [message.position];
        this.nextEvent = message.next_event;
        this.events.opened(message);
        this.events.present();
        this.events.sounding(message.sounding);
        break;
      case "Tick":
        this.tick(message);
        break;
      case "Events":
        this.replay(message.first_event, message.events);
        break;
      case "Sounding":
        this.nextEvent = message.next_event;
        this.events.sounding(message.notes);
        break;
      case "Presence":
        this.presence = message;
        this.events.present();
        break;
      case "Players":
        if (this.snapshot !== null) this.snapshot = { ...this.snapshot, players: message.players };
        this.events.placed(message.players);
        break;
      case "HallShown":
        if (this.snapshot !== null) this.snapshot = { ...this.snapshot, hall: message.hall, picture: message.picture };
        this.events.entered?.(message.picture);
        break;
      case "Interaction":
        this.events.interacted?.(message);
        break;
      case "SoundStatus":
        this.events.sounded?.(message);
        break;
      case "Harmony":
      case "Surprises":
      case "Solo":
        this.events.told?.(message);
        break;
      case "Notice":
        this.events.notice(message.text);
        break;
    }
  }

  get me(): ViewerInfo | null {
    return this.presence?.viewers.find(({ viewer }) => viewer === this.snapshot?.viewer) ?? null;
  }

  /** Whether this page's viewer holds the baton. */
  get holding(): boolean {
    return this.snapshot !== null && this.presence?.baton_holder === this.snapshot.viewer;
  }

  get requested(): boolean {
    return this.snapshot !== null && (this.presence?.requests.includes(this.snapshot.viewer) ?? false);
  }

  /** Whether this viewer may start, stop and seek. */
  get controlling(): boolean {
    return this.holding || (this.me?.host ?? false);
  }

  /** Who holds the baton, in words; empty when nobody does. */
  get holderName(): string {
    const holder = this.presence?.baton_holder ?? NOBODY;
    if (holder === NOBODY) return "";
    if (holder === PODIUM) return "the podium";
    return this.presence?.viewers.find(({ viewer }) => viewer === holder)?.name ?? "someone";
  }

  /** Events that never came; 0 on a sound line. */
  get missedEvents(): number {
    return this.missed;
  }

  /** The playhead at session time `timeS`, between the reports around it. */
  position(timeS: number): ShownPosition | null {
    const { snapshot } = this;
    const report = this.reportAt(timeS);
    if (snapshot === null || report === null) return null;
    const ahead = Number.isNaN(timeS) ? 0 : Math.max(-0.5, Math.min(0.5, timeS - report.time_s));
    const moving = report.state === "playing" || report.state === "coasting";
    const quarter = report.quarter + (moving ? ahead * report.quarter_rate : 0);
    const beat = snapshot.beats[lastAtOrBefore(snapshot.beats, (b) => b.quarter, quarter)];
    const measureIndex = lastAtOrBefore(snapshot.measures, (m) => m.start_quarter, quarter);
    return {
      quarter,
      measure: snapshot.measures[measureIndex]?.number ?? report.measure,
      measureIndex: Math.max(0, measureIndex),
      beat: beat?.beat ?? Math.floor(report.beat_in_measure),
      beats: beat?.beats_in_measure ?? Math.max(1, Math.floor(report.beat_in_measure)),
      bpm: report.bpm,
      state: report.state,
      progress: snapshot.end_quarter > 0 ? Math.min(1, Math.max(0, quarter / snapshot.end_quarter)) : 0,
    };
  }

  private reportAt(timeS: number): PositionInfo | null {
    for (let i = this.positions.length - 1; i >= 0; i--) {
      const report = this.positions[i]!;
      if (report.time_s <= timeS || Number.isNaN(timeS)) return report;
    }
    return this.positions[0] ?? null;
  }

  private tick(tick: Tick): void {
    if (tick.position !== null) {
      const last = this.positions[this.positions.length - 1];
      if (last !== undefined && tick.position.time_s < last.time_s) this.positions = [];
      if (last?.time_s !== tick.position.time_s) this.positions.push(tick.position);
      if (this.positions.length > KEPT_POSITIONS) this.positions.shift();
    }
    for (const pose of tick.poses) this.events.pose(pose);
    this.events.ticked(tick);
    this.replay(tick.first_event, tick.events);
  }

  /** Plays events once each, in order, though ticks and catch-ups may overlap. */
  private replay(first: number, events: readonly Event[]): void {
    if (first > this.nextEvent) this.missed += first - this.nextEvent;
    events.forEach((event, index) => {
      if (first + index >= this.nextEvent) this.events.event(event);
    });
    this.nextEvent = Math.max(this.nextEvent, first + events.length);
  }
}

/** Index of the last item whose key is at or before `value`; −1 where none is. */
export function lastAtOrBefore<T>(items: readonly T[], key: (item: T) => number, value: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(items[middle]!) <= value + 1e-6) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

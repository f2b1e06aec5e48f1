// Written by `python -m tutti.studio.relay.protocol_schema` from studio/relay/protocol.py. Do not edit.
// The wire's rules are in docs/protocol.md.

export const SUBPROTOCOL = "tutti.v2";
export const WEBSOCKET_PATH = "/ws";
export const NOBODY = 0;
export const PODIUM = 65535;
export const MAX_NAME_CHARACTERS = 32;
export const MAX_CLIENT_MESSAGE_BYTES = 16384;
export const MAX_SAMPLES = 256;
export const CLOSE_MALFORMED = 4000;
export const CLOSE_VERSION = 4001;
export const CLOSE_FLOOD = 4003;
export const CLOSE_STALLED = 4004;
export const CLOSE_FULL = 4005;
export const CLOSE_NO_HELLO = 4006;

/**
 * A written part; `instrument` and `family` as in `assets/instruments.toml`.
 */
export interface PartInfo {
  name: string;
  abbreviation: string;
  instrument: string;
  family: string;
}

/**
 * A player on the stage (`engine.types.PlayerPlacement`) with the model that draws them.
 */
export interface PlayerInfo {
  player: number;
  part: number;
  section: string;
  instrument: string;
  model: string;
  stance: "seated" | "standing";
  position_m: [number, number, number];
  heading_deg: number;
  desk: number;
  gain_db: number;
  muted: boolean;
}

/**
 * A measure as played, repeats expanded; `number` is the printed one.
 */
export interface MeasureInfo {
  start_quarter: number;
  duration_quarter: number;
  number: string;
  numerator: number;
  denominator: number;
}

/**
 * A conductor's beat of the score; `beat` counts from 1 in its measure (index `measure`).
 */
export interface BeatInfo {
  quarter: number;
  measure: number;
  beat: number;
  beats_in_measure: number;
}

/**
 * Printed text or a rehearsal mark at a place of the score.
 */
export interface MarkingInfo {
  quarter: number;
  text: string;
}

/**
 * A tempo mark of the score, quarters per minute, from `quarter` on.
 */
export interface TempoMarkInfo {
  quarter: number;
  quarter_bpm: number;
}

/**
 * The ideal figure of a bar of `beats`: a closed way of the right hand (right, up) from ictus to ictus, equally
 * many points for each beat, in units of the stroke to the first beat (`engine.conducting.review.ideal_way`).
 */
export interface FigureInfo {
  beats: number;
  way: [number, number][];
}

/**
 * What sound there is: rate in Hz, 2 channels; `packet_samples` in each packet (per channel). Rate 0: none.
 */
export interface AudioInfo {
  rate_hz: number;
  packet_samples: number;
}

/**
 * Someone who is connected. `colour` is 0xRRGGBB; `host` may always take the baton and control the concert.
 */
export interface ViewerInfo {
  viewer: number;
  name: string;
  colour: number;
  host: boolean;
}

/**
 * Who is connected, who holds the baton (`NOBODY`, `PODIUM` or a viewer) and who asks for it, first come first.
 * Sent whenever it changes; the newest replaces all before.
 */
export interface Presence {
  kind: "Presence";
  baton_holder: number;
  requests: number[];
  viewers: ViewerInfo[];
}

/**
 * `engine.types.ScorePosition`: where the playhead was at `time_s` and how fast it goes.
 */
export interface PositionInfo {
  time_s: number;
  beat: number;
  quarter: number;
  quarter_rate: number;
  bpm: number;
  beat_in_measure: number;
  measure: string;
  state: "waiting" | "preparing" | "playing" | "coasting" | "holding" | "stopped" | "ended";
}

/**
 * A part starts a note at `onset_s` (often some tens of ms ahead); `duration_s` is the expectation.
 */
export interface NoteOn {
  kind: "NoteOn";
  note_id: number;
  part: number;
  pitch: number;
  velocity: number;
  onset_s: number;
  duration_s: number;
  quarter: number;
  articulation: "sustain" | "fast" | "staccato" | "tremolo" | "pizzicato";
  ai: boolean;
}

/**
 * What can be played from the page: an instrument by name, and its lowest and highest MIDI pitch.
 */
export interface KeyboardInfo {
  instrument: string;
  low: number;
  high: number;
}

/**
 * The whole state: the first message to a viewer. `viewer` is the receiver's id. `next_event` is the number of
 * the first event that is not in `sounding`. `relay_id` differs after the relay was restarted. `hall` is the one
 * that is heard, `picture` names the model that shows it (`models/halls/PICTURE.glb` beside the page).
 */
export interface Snapshot {
  kind: "Snapshot";
  relay_id: number;
  viewer: number;
  tick_hz: number;
  ack_window: number;
  title: string;
  composer: string;
  hall: string;
  picture: string;
  end_quarter: number;
  parts: PartInfo[];
  players: PlayerInfo[];
  measures: MeasureInfo[];
  beats: BeatInfo[];
  rehearsal: MarkingInfo[];
  markings: MarkingInfo[];
  tempos: TempoMarkInfo[];
  figures: FigureInfo[];
  audio: AudioInfo;
  presence: Presence;
  position: PositionInfo | null;
  next_event: number;
  sounding: NoteOn[];
  keyboard: KeyboardInfo | null;
}

/**
 * `engine.types.TempoEstimate`.
 */
export interface TempoInfo {
  beat_index: number;
  beat_s: number;
  beat_period_s: number;
  next_beat_s: number;
  confidence: number;
  stopped: boolean;
}

/**
 * The newest pose of a tracked device, tracking frame; quaternion `wxyz`.
 */
export interface PoseInfo {
  time_s: number;
  device: "baton" | "left" | "head";
  position_m: [number, number, number];
  orientation_wxyz: [number, number, number, number] | null;
}

/**
 * A sounding note ends at `time_s`.
 */
export interface NoteOff {
  kind: "NoteOff";
  note_id: number;
  time_s: number;
}

/**
 * A beat recognised in the gesture (`engine.types.Beat`); it was known at `detected_s`.
 */
export interface Ictus {
  kind: "Ictus";
  beat_index: number;
  time_s: number;
  detected_s: number;
  stroke_m: number;
  clarity: number;
}

/**
 * The playhead crossed a conductor's beat of the score.
 */
export interface Crossing {
  kind: "Crossing";
  beat_index: number;
  time_s: number;
  quarter: number;
  beat: number;
  bpm: number;
}

/**
 * Every sounding note ends (stop, seek).
 */
export interface Silence {
  kind: "Silence";
  time_s: number;
}

/**
 * A sign beside the beat (`engine.types.Sign`); an empty `section` is the whole orchestra.
 */
export interface Signed {
  kind: "Signed";
  time_s: number;
  sign: "cue" | "raise" | "hush" | "hold" | "cut_off";
  section: string;
  amount: number;
}

/**
 * The audience claps from `begin_s` to `end_s`; `warmth` 0–1 is how much it liked it.
 */
export interface Applause {
  kind: "Applause";
  begin_s: number;
  end_s: number;
  warmth: number;
}

/**
 * The newest state of all lanes and the events since the last tick. Answer with `Ack`, at the latest every third
 * of `ack_window`. The first event's number is `first_event`; the next tick's is `first_event + len(events)`. A
 * viewer that was skipped gets `Events` or `Sounding` before its next tick, so that no number is missing or
 * double. `frame_s` is the session time of the engine's newest step; `attention` the section that the conductor
 * looks at or points to, empty where there is none.
 */
export interface Tick {
  kind: "Tick";
  tick: number;
  frame_s: number;
  position: PositionInfo | null;
  tempo: TempoInfo | null;
  level: number;
  articulation: number;
  attention: string;
  poses: PoseInfo[];
  first_event: number;
  events: (NoteOn | NoteOff | Ictus | Crossing | Silence | Signed | Applause)[];
}

/**
 * Events of ticks that were skipped for this viewer, complete and in order.
 */
export interface Events {
  kind: "Events";
  first_event: number;
  events: (NoteOn | NoteOff | Ictus | Crossing | Silence | Signed | Applause)[];
}

/**
 * What sounds now, in place of more missed events than are kept: forget all other notes.
 */
export interface Sounding {
  kind: "Sounding";
  next_event: number;
  notes: NoteOn[];
}

/**
 * Answer to `Ping`: its stamp, and the session clock when it came in.
 */
export interface Pong {
  kind: "Pong";
  client_s: number;
  server_s: number;
}

/**
 * A packet of sound. `first_sample` counts from the session's start of sound (samples per channel); the first
 * sample is due at `time_s` at the orchestra. A packet that does not follow its forerunner marks a gap.
 */
export interface Audio {
  kind: "Audio";
  codec: "none" | "opus" | "pcm16";
  first_sample: number;
  time_s: number;
  samples: number;
  data: Uint8Array;
}

/**
 * All placements, after some were changed live.
 */
export interface Players {
  kind: "Players";
  players: PlayerInfo[];
}

/**
 * The orchestra went to another hall: as in `Snapshot`.
 */
export interface HallShown {
  kind: "HallShown";
  hall: string;
  picture: string;
}

/**
 * Something to tell the person, e.g. why a request was refused.
 */
export interface Notice {
  kind: "Notice";
  text: string;
}

/**
 * Answer to `Pair`: an address that makes one phone the baton, once, until session time `expires_s`. `modules`
 * is its QR code without margin, row by row, one byte for each of `size` × `size` modules, 1 dark.
 */
export interface PairingCode {
  kind: "PairingCode";
  address: string;
  expires_s: number;
  size: number;
  modules: Uint8Array;
}

/**
 * Answer to `Claim`: the token was good. `token` is a new one, by which this device comes back after a loss.
 * `owner` is whose baton it is, empty where the studio itself invited it.
 */
export interface Paired {
  kind: "Paired";
  token: string;
  owner: string;
}

/**
 * A player in the hand: from where, and where they would stand if let go now; `moved_aside`: that is the nearest
 * free place, not the one pointed at.
 */
export interface DragInfo {
  player: number;
  from_m: [number, number, number];
  to_m: [number, number, number];
  moved_aside: boolean;
}

/**
 * Where a ray ends, and on what.
 */
export interface RayInfo {
  hand: "mouse" | "left" | "right";
  end_m: [number, number, number];
  on: "nothing" | "player" | "panel" | "floor";
}

/**
 * Something on a panel: text, or what can be pressed. `x_dmm` and `y_dmm` from the panel's upper left corner to
 * the item's, y down; `value` is 0 or 1 of a toggle, 0–1 of a slider.
 */
export interface ItemInfo {
  key: string;
  item: "text" | "button" | "toggle" | "slider";
  x_dmm: number;
  y_dmm: number;
  width_dmm: number;
  height_dmm: number;
  text: string;
  text_dmm: number;
  align: "left" | "centre" | "right";
  strong: boolean;
  value: number;
  state: "idle" | "hovered" | "pressed" | "disabled";
}

/**
 * A panel in the hall: its middle, unit vectors to the right and up as its reader sees it, and metres of a dmm.
 */
export interface PanelInfo {
  panel: "menu" | "card" | "label";
  centre_m: [number, number, number];
  right: [number, number, number];
  up: [number, number, number];
  metres_per_dmm: number;
  width_dmm: number;
  height_dmm: number;
  items: ItemInfo[];
}

/**
 * A tick that a controller shall give; `amplitude` 0–1.
 */
export interface PulseInfo {
  hand: "mouse" | "left" | "right";
  amplitude: number;
  duration_s: number;
}

/**
 * What the receiver's own pointers came to: everything that is drawn for them. The newest replaces all before;
 * `pulses` are those since the last.
 */
export interface Interaction {
  kind: "Interaction";
  time_s: number;
  hovered: number | null;
  selected: number | null;
  highlighted: number[];
  drags: DragInfo[];
  rays: RayInfo[];
  panels: PanelInfo[];
  pulses: PulseInfo[];
}

/**
 * How a part is heard: the levels of its section before the hall, dB relative to full scale (−120: silence), and
 * whether all of its players were muted, or shall be heard alone.
 */
export interface PartSound {
  peak_db: number;
  rms_db: number;
  muted: boolean;
  solo: boolean;
}

/**
 * How the sound does, some times a second; the newest replaces all before. `device` says in one line where it
 * goes, `warning` what is wrong and what helps (empty: nothing). `load` is the share of a block's time that its
 * computation takes; `missed` blocks came too late for the device. Levels are dB relative to full scale (−120:
 * silence), `limiting_db` (≤ 0) what the limiter takes away, `loudness_lufs` that of the last 3 s; `parts` in
 * the score's order.
 */
export interface SoundStatus {
  kind: "SoundStatus";
  device: string;
  warning: string;
  load: number;
  missed: number;
  latency_s: number;
  limiting_db: number;
  true_peak_db: number;
  loudness_lufs: number;
  parts: PartSound[];
}

/**
 * A chord that sounds from `quarter` to `end_quarter`: its Roman numeral in `key`, why it is that, and the
 * cadence that it ends (empty: none). `measure` and `beat` are the printed place where it begins.
 */
export interface ChordInfo {
  quarter: number;
  end_quarter: number;
  measure: string;
  beat: number;
  numeral: string;
  key: string;
  why: string;
  cadence: string;
}

/**
 * The chords that sound between two places of the score, in order; they replace all that was told of it. Where
 * an AI or a learner plays they are told when they were heard, else some bars ahead.
 */
export interface Harmony {
  kind: "Harmony";
  from_quarter: number;
  to_quarter: number;
  chords: ChordInfo[];
}

/**
 * A note before, and how much likelier (nats) it made the one that is explained.
 */
export interface InfluenceInfo {
  part: number;
  quarter: number;
  pitch: number;
  nats: number;
}

/**
 * A note of an AI part, and how surprising it was to its model (nats). `expected` is the pitch that was likelier
 * (0: none), at `odds` (0–1); `because` are the notes that spoke most for what was played (none: not asked).
 */
export interface SurpriseInfo {
  part: number;
  quarter: number;
  pitch: number;
  nats: number;
  expected: number;
  odds: number;
  because: InfluenceInfo[];
}

/**
 * How surprising the AI player's notes of a bar were to it; told when the bar is over. `author` is who wrote
 * them, in words.
 */
export interface Surprises {
  kind: "Surprises";
  author: string;
  measure: string;
  from_quarter: number;
  to_quarter: number;
  notes: SurpriseInfo[];
}

/**
 * Where the soloist is whom the orchestra accompanies, some times a second; the newest counts. `part` names what
 * they play; `apart_quarters` is how far the orchestra is ahead of them (negative: behind).
 */
export interface Solo {
  kind: "Solo";
  part: string;
  state: "waiting" | "following" | "paused" | "lost" | "ended";
  quarter: number;
  measure: string;
  beat: number;
  bpm: number;
  confidence: number;
  apart_quarters: number;
}

/**
 * First message of a viewer, within five seconds. `host_key` is the `#host=…` of the page's address, or empty.
 * The relay cleans the name and may number it.
 */
export interface Hello {
  kind: "Hello";
  name: string;
  codec: "none" | "opus" | "pcm16";
  host_key: string;
}

/**
 * The newest tick received and the end of the newest sound received (`first_sample + samples`; 0: none yet).
 */
export interface Ack {
  kind: "Ack";
  tick: number;
  audio_end: number;
}

/**
 * Asks for the time; `client_s` comes back in `Pong`.
 */
export interface Ping {
  kind: "Ping";
  client_s: number;
}

/**
 * A point of a drag: −1…1, x to the right, y up, over the shorter side of the stage's view. `pressed` False ends
 * the drag.
 */
export interface PointerSample {
  client_s: number;
  x: number;
  y: number;
  pressed: boolean;
}

/**
 * The baton holder's mouse or touch. `clock_offset_s` is the viewer's estimate of session − own clock.
 */
export interface Pointer {
  kind: "Pointer";
  clock_offset_s: number;
  samples: PointerSample[];
}

/**
 * A tracked device of the baton holder (WebXR, phone), tracking frame. `valid` False: tracking was lost.
 */
export interface PoseSample {
  client_s: number;
  device: "baton" | "left" | "head";
  position_m: [number, number, number];
  orientation_wxyz: [number, number, number, number] | null;
  valid: boolean;
}

/**
 * The baton holder's tracked devices.
 */
export interface Poses {
  kind: "Poses";
  clock_offset_s: number;
  samples: PoseSample[];
}

/**
 * `request` it, `release` it (or withdraw a request), `grant` it to `viewer` (holder or host), `take` it (host
 * only). `viewer` counts for `grant` alone.
 */
export interface Baton {
  kind: "Baton";
  action: "request" | "release" | "grant" | "take";
  viewer: number;
}

/**
 * Host or baton holder: `start`, `stop`; `seek` to measure index `target`; `gain` of part `target` to `value`
 * dB; `mute` part `target` (value 1) or not (0); `cue` the section looked at or pointed to; `solo` as `mute`:
 * where anybody is solo, solos alone are heard.
 */
export interface Command {
  kind: "Command";
  action: "start" | "stop" | "seek" | "gain" | "mute" | "cue" | "solo";
  target: number;
  value: number;
}

/**
 * Change one's name.
 */
export interface Rename {
  kind: "Rename";
  name: string;
}

/**
 * Change the codec of the sound, or stop it (`none`).
 */
export interface Listen {
  kind: "Listen";
  codec: "none" | "opus" | "pcm16";
}

/**
 * A tap on a beat. `strength` 0–1: the touch's pressure, or 0.5 where the device tells none.
 */
export interface TapSample {
  client_s: number;
  strength: number;
}

/**
 * The baton holder taps the beats (key, tap zone) instead of drawing them: the first tap is the preparatory
 * beat. `clock_offset_s` as in `Pointer`.
 */
export interface Tap {
  kind: "Tap";
  clock_offset_s: number;
  samples: TapSample[];
}

/**
 * A key went down (`velocity` 1–127) or was let go (0). `pitch` is its MIDI number.
 */
export interface KeySample {
  client_s: number;
  pitch: number;
  velocity: number;
}

/**
 * A host or the baton holder plays the page's keyboard, where the session has one (`Snapshot.keyboard`).
 * `clock_offset_s` as in `Pointer`.
 */
export interface Keys {
  kind: "Keys";
  clock_offset_s: number;
  samples: KeySample[];
}

/**
 * Ask for a pairing address for a phone of one's own (host or baton holder). `origin` is how this page was
 * reached (`https://192.168.0.17:8765`).
 */
export interface Pair {
  kind: "Pair";
  origin: string;
}

/**
 * A device shows the token of the address by which it was invited. Answered by `Paired`, or by a `Notice` that
 * says why not.
 */
export interface Claim {
  kind: "Claim";
  token: string;
}

/**
 * A ray of a viewer: mouse, finger on glass, or a tracked hand. `tip_m` can touch panels. `select` (button,
 * trigger, pinch), `grab` (grip) and `menu` tell whether they are down; with `section` a grab takes the whole
 * section. `valid` False: the hand is lost, or the pointer left the picture.
 */
export interface RaySample {
  client_s: number;
  hand: "mouse" | "left" | "right";
  origin_m: [number, number, number];
  direction: [number, number, number];
  tip_m: [number, number, number] | null;
  select: boolean;
  grab: boolean;
  menu: boolean;
  section: boolean;
  valid: boolean;
}

/**
 * A viewer's rays, and where the viewer looks from and to. Everybody may point, and gets labels; who may control
 * the concert can also move players and use the menu. `clock_offset_s` as in `Pointer`.
 */
export interface Pointing {
  kind: "Pointing";
  clock_offset_s: number;
  eye_m: [number, number, number];
  gaze: [number, number, number];
  samples: RaySample[];
}

export type ServerMessage =
  | Snapshot
  | Tick
  | Events
  | Sounding
  | Presence
  | Pong
  | Audio
  | Players
  | HallShown
  | Notice
  | PairingCode
  | Paired
  | Interaction
  | SoundStatus
  | Harmony
  | Surprises
  | Solo;

export type ClientMessage =
  | Hello
  | Ack
  | Ping
  | Pointer
  | Poses
  | Baton
  | Command
  | Rename
  | Listen
  | Tap
  | Keys
  | Pair
  | Claim
  | Pointing;

export type Event = NoteOn | NoteOff | Ictus | Crossing | Silence | Signed | Applause;

class Reader {
  private readonly view: DataView;
  private readonly data: Uint8Array;
  private offset = 0;
  private static readonly utf8 = new TextDecoder("utf-8", { fatal: true });

  constructor(data: Uint8Array) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  private advance(count: number): number {
    const at = this.offset;
    this.offset = at + count;
    return at;
  }

  u8(): number { return this.view.getUint8(this.advance(1)); }
  u16(): number { return this.view.getUint16(this.advance(2), true); }
  u32(): number { return this.view.getUint32(this.advance(4), true); }
  i32(): number { return this.view.getInt32(this.advance(4), true); }
  u64(): number { return Number(this.view.getBigUint64(this.advance(8), true)); }
  f32(): number { return this.view.getFloat32(this.advance(4), true); }
  f64(): number { return this.view.getFloat64(this.advance(8), true); }
  bool(): boolean { return this.u8() !== 0; }

  bytes(count: number): Uint8Array {
    const at = this.advance(count);
    if (this.offset > this.data.byteLength) throw new RangeError("message ends early");
    return this.data.subarray(at, this.offset);
  }

  text(): string { return Reader.utf8.decode(this.bytes(this.u16())); }

  choice<T extends string>(options: readonly T[]): T {
    const option = options[this.u8()];
    if (option === undefined) throw new RangeError("unknown option");
    return option;
  }

  optional<T>(read: () => T): T | null { return this.u8() !== 0 ? read() : null; }

  list<T>(read: () => T): T[] {
    const count = this.u16();
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }

  end(): void {
    if (this.offset !== this.data.byteLength) throw new RangeError("message is too long");
  }
}

class Writer {
  private data = new Uint8Array(256);
  private view = new DataView(this.data.buffer);
  private offset = 0;
  private static readonly utf8 = new TextEncoder();

  private advance(count: number): number {
    const at = this.offset;
    this.offset = at + count;
    if (this.offset > this.data.length) {
      const data = new Uint8Array(2 * this.offset);
      data.set(this.data);
      this.data = data;
      this.view = new DataView(data.buffer);
    }
    return at;
  }

  u8(value: number): void { const at = this.advance(1); this.view.setUint8(at, value); }
  u16(value: number): void { const at = this.advance(2); this.view.setUint16(at, value, true); }
  u32(value: number): void { const at = this.advance(4); this.view.setUint32(at, value, true); }
  i32(value: number): void { const at = this.advance(4); this.view.setInt32(at, value, true); }
  u64(value: number): void { const at = this.advance(8); this.view.setBigUint64(at, BigInt(value), true); }
  f32(value: number): void { const at = this.advance(4); this.view.setFloat32(at, value, true); }
  f64(value: number): void { const at = this.advance(8); this.view.setFloat64(at, value, true); }
  bool(value: boolean): void { this.u8(value ? 1 : 0); }

  bytes(value: Uint8Array): void { const at = this.advance(value.length); this.data.set(value, at); }

  text(value: string, maxBytes: number): void {
    const data = Writer.utf8.encode(value);
    if (data.length > maxBytes) throw new RangeError(`text of ${data.length} bytes where ${maxBytes} are allowed`);
    this.u16(data.length);
    this.bytes(data);
  }

  choice<T extends string>(options: readonly T[], value: T): void {
    const index = options.indexOf(value);
    if (index < 0) throw new RangeError(`unknown option ${value}`);
    this.u8(index);
  }

  optional<T>(value: T | null, write: (item: T) => void): void {
    this.bool(value !== null);
    if (value !== null) write(value);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.u16(items.length);
    items.forEach(write);
  }

  finish(): ArrayBuffer { return this.data.buffer.slice(0, this.offset); }
}

function readPartInfo(r: Reader): PartInfo {
  return {
    name: r.text(),
    abbreviation: r.text(),
    instrument: r.text(),
    family: r.text(),
  };
}

function readPlayerInfo(r: Reader): PlayerInfo {
  return {
    player: r.u16(),
    part: r.u16(),
    section: r.text(),
    instrument: r.text(),
    model: r.text(),
    stance: r.choice(["seated", "standing"] as const),
    position_m: [r.f32(), r.f32(), r.f32()],
    heading_deg: r.f32(),
    desk: r.u16(),
    gain_db: r.f32(),
    muted: r.bool(),
  };
}

function readMeasureInfo(r: Reader): MeasureInfo {
  return {
    start_quarter: r.f64(),
    duration_quarter: r.f32(),
    number: r.text(),
    numerator: r.u8(),
    denominator: r.u8(),
  };
}

function readBeatInfo(r: Reader): BeatInfo {
  return {
    quarter: r.f64(),
    measure: r.u16(),
    beat: r.u8(),
    beats_in_measure: r.u8(),
  };
}

function readMarkingInfo(r: Reader): MarkingInfo {
  return {
    quarter: r.f64(),
    text: r.text(),
  };
}

function readTempoMarkInfo(r: Reader): TempoMarkInfo {
  return {
    quarter: r.f64(),
    quarter_bpm: r.f32(),
  };
}

function readFigureInfo(r: Reader): FigureInfo {
  return {
    beats: r.u8(),
    way: r.list(() => [r.f32(), r.f32()]),
  };
}

function readAudioInfo(r: Reader): AudioInfo {
  return {
    rate_hz: r.u32(),
    packet_samples: r.u16(),
  };
}

function readViewerInfo(r: Reader): ViewerInfo {
  return {
    viewer: r.u16(),
    name: r.text(),
    colour: r.u32(),
    host: r.bool(),
  };
}

function readPresence(r: Reader): Presence {
  return {
    kind: "Presence",
    baton_holder: r.u16(),
    requests: r.list(() => r.u16()),
    viewers: r.list(() => readViewerInfo(r)),
  };
}

function readPositionInfo(r: Reader): PositionInfo {
  return {
    time_s: r.f64(),
    beat: r.f64(),
    quarter: r.f64(),
    quarter_rate: r.f32(),
    bpm: r.f32(),
    beat_in_measure: r.f32(),
    measure: r.text(),
    state: r.choice(["waiting", "preparing", "playing", "coasting", "holding", "stopped", "ended"] as const),
  };
}

function readNoteOn(r: Reader): NoteOn {
  return {
    kind: "NoteOn",
    note_id: r.u32(),
    part: r.u16(),
    pitch: r.u8(),
    velocity: r.u8(),
    onset_s: r.f64(),
    duration_s: r.f32(),
    quarter: r.f64(),
    articulation: r.choice(["sustain", "fast", "staccato", "tremolo", "pizzicato"] as const),
    ai: r.bool(),
  };
}

function readKeyboardInfo(r: Reader): KeyboardInfo {
  return {
    instrument: r.text(),
    low: r.u8(),
    high: r.u8(),
  };
}

function readSnapshot(r: Reader): Snapshot {
  return {
    kind: "Snapshot",
    relay_id: r.u32(),
    viewer: r.u16(),
    tick_hz: r.f32(),
    ack_window: r.u16(),
    title: r.text(),
    composer: r.text(),
    hall: r.text(),
    picture: r.text(),
    end_quarter: r.f64(),
    parts: r.list(() => readPartInfo(r)),
    players: r.list(() => readPlayerInfo(r)),
    measures: r.list(() => readMeasureInfo(r)),
    beats: r.list(() => readBeatInfo(r)),
    rehearsal: r.list(() => readMarkingInfo(r)),
    markings: r.list(() => readMarkingInfo(r)),
    tempos: r.list(() => readTempoMarkInfo(r)),
    figures: r.list(() => readFigureInfo(r)),
    audio: readAudioInfo(r),
    presence: readPresence(r),
    position: r.optional(() => readPositionInfo(r)),
    next_event: r.u32(),
    sounding: r.list(() => readNoteOn(r)),
    keyboard: r.optional(() => readKeyboardInfo(r)),
  };
}

function readTempoInfo(r: Reader): TempoInfo {
  return {
    beat_index: r.i32(),
    beat_s: r.f64(),
    beat_period_s: r.f32(),
    next_beat_s: r.f64(),
    confidence: r.f32(),
    stopped: r.bool(),
  };
}

function readPoseInfo(r: Reader): PoseInfo {
  return {
    time_s: r.f64(),
    device: r.choice(["baton", "left", "head"] as const),
    position_m: [r.f32(), r.f32(), r.f32()],
    orientation_wxyz: r.optional(() => [r.f32(), r.f32(), r.f32(), r.f32()]),
  };
}

function readNoteOff(r: Reader): NoteOff {
  return {
    kind: "NoteOff",
    note_id: r.u32(),
    time_s: r.f64(),
  };
}

function readIctus(r: Reader): Ictus {
  return {
    kind: "Ictus",
    beat_index: r.i32(),
    time_s: r.f64(),
    detected_s: r.f64(),
    stroke_m: r.f32(),
    clarity: r.f32(),
  };
}

function readCrossing(r: Reader): Crossing {
  return {
    kind: "Crossing",
    beat_index: r.i32(),
    time_s: r.f64(),
    quarter: r.f64(),
    beat: r.u8(),
    bpm: r.f32(),
  };
}

function readSilence(r: Reader): Silence {
  return {
    kind: "Silence",
    time_s: r.f64(),
  };
}

function readSigned(r: Reader): Signed {
  return {
    kind: "Signed",
    time_s: r.f64(),
    sign: r.choice(["cue", "raise", "hush", "hold", "cut_off"] as const),
    section: r.text(),
    amount: r.f32(),
  };
}

function readApplause(r: Reader): Applause {
  return {
    kind: "Applause",
    begin_s: r.f64(),
    end_s: r.f64(),
    warmth: r.f32(),
  };
}

function readTick(r: Reader): Tick {
  return {
    kind: "Tick",
    tick: r.u32(),
    frame_s: r.f64(),
    position: r.optional(() => readPositionInfo(r)),
    tempo: r.optional(() => readTempoInfo(r)),
    level: r.f32(),
    articulation: r.f32(),
    attention: r.text(),
    poses: r.list(() => readPoseInfo(r)),
    first_event: r.u32(),
    events: r.list(() => readAnyNNICSSA(r)),
  };
}

function readEvents(r: Reader): Events {
  return {
    kind: "Events",
    first_event: r.u32(),
    events: r.list(() => readAnyNNICSSA(r)),
  };
}

function readSounding(r: Reader): Sounding {
  return {
    kind: "Sounding",
    next_event: r.u32(),
    notes: r.list(() => readNoteOn(r)),
  };
}

function readPong(r: Reader): Pong {
  return {
    kind: "Pong",
    client_s: r.f64(),
    server_s: r.f64(),
  };
}

function readAudio(r: Reader): Audio {
  return {
    kind: "Audio",
    codec: r.choice(["none", "opus", "pcm16"] as const),
    first_sample: r.u64(),
    time_s: r.f64(),
    samples: r.u16(),
    data: r.bytes(r.u32()),
  };
}

function readPlayers(r: Reader): Players {
  return {
    kind: "Players",
    players: r.list(() => readPlayerInfo(r)),
  };
}

function readHallShown(r: Reader): HallShown {
  return {
    kind: "HallShown",
    hall: r.text(),
    picture: r.text(),
  };
}

function readNotice(r: Reader): Notice {
  return {
    kind: "Notice",
    text: r.text(),
  };
}

function readPairingCode(r: Reader): PairingCode {
  return {
    kind: "PairingCode",
    address: r.text(),
    expires_s: r.f64(),
    size: r.u8(),
    modules: r.bytes(r.u32()),
  };
}

function readPaired(r: Reader): Paired {
  return {
    kind: "Paired",
    token: r.text(),
    owner: r.text(),
  };
}

function readDragInfo(r: Reader): DragInfo {
  return {
    player: r.u16(),
    from_m: [r.f32(), r.f32(), r.f32()],
    to_m: [r.f32(), r.f32(), r.f32()],
    moved_aside: r.bool(),
  };
}

function readRayInfo(r: Reader): RayInfo {
  return {
    hand: r.choice(["mouse", "left", "right"] as const),
    end_m: [r.f32(), r.f32(), r.f32()],
    on: r.choice(["nothing", "player", "panel", "floor"] as const),
  };
}

function readItemInfo(r: Reader): ItemInfo {
  return {
    key: r.text(),
    item: r.choice(["text", "button", "toggle", "slider"] as const),
    x_dmm: r.f32(),
    y_dmm: r.f32(),
    width_dmm: r.f32(),
    height_dmm: r.f32(),
    text: r.text(),
    text_dmm: r.f32(),
    align: r.choice(["left", "centre", "right"] as const),
    strong: r.bool(),
    value: r.f32(),
    state: r.choice(["idle", "hovered", "pressed", "disabled"] as const),
  };
}

function readPanelInfo(r: Reader): PanelInfo {
  return {
    panel: r.choice(["menu", "card", "label"] as const),
    centre_m: [r.f32(), r.f32(), r.f32()],
    right: [r.f32(), r.f32(), r.f32()],
    up: [r.f32(), r.f32(), r.f32()],
    metres_per_dmm: r.f32(),
    width_dmm: r.f32(),
    height_dmm: r.f32(),
    items: r.list(() => readItemInfo(r)),
  };
}

function readPulseInfo(r: Reader): PulseInfo {
  return {
    hand: r.choice(["mouse", "left", "right"] as const),
    amplitude: r.f32(),
    duration_s: r.f32(),
  };
}

function readInteraction(r: Reader): Interaction {
  return {
    kind: "Interaction",
    time_s: r.f64(),
    hovered: r.optional(() => r.u16()),
    selected: r.optional(() => r.u16()),
    highlighted: r.list(() => r.u16()),
    drags: r.list(() => readDragInfo(r)),
    rays: r.list(() => readRayInfo(r)),
    panels: r.list(() => readPanelInfo(r)),
    pulses: r.list(() => readPulseInfo(r)),
  };
}

function readPartSound(r: Reader): PartSound {
  return {
    peak_db: r.f32(),
    rms_db: r.f32(),
    muted: r.bool(),
    solo: r.bool(),
  };
}

function readSoundStatus(r: Reader): SoundStatus {
  return {
    kind: "SoundStatus",
    device: r.text(),
    warning: r.text(),
    load: r.f32(),
    missed: r.u32(),
    latency_s: r.f32(),
    limiting_db: r.f32(),
    true_peak_db: r.f32(),
    loudness_lufs: r.f32(),
    parts: r.list(() => readPartSound(r)),
  };
}

function readChordInfo(r: Reader): ChordInfo {
  return {
    quarter: r.f64(),
    end_quarter: r.f64(),
    measure: r.text(),
    beat: r.u8(),
    numeral: r.text(),
    key: r.text(),
    why: r.text(),
    cadence: r.text(),
  };
}

function readHarmony(r: Reader): Harmony {
  return {
    kind: "Harmony",
    from_quarter: r.f64(),
    to_quarter: r.f64(),
    chords: r.list(() => readChordInfo(r)),
  };
}

function readInfluenceInfo(r: Reader): InfluenceInfo {
  return {
    part: r.u16(),
    quarter: r.f64(),
    pitch: r.u8(),
    nats: r.f32(),
  };
}

function readSurpriseInfo(r: Reader): SurpriseInfo {
  return {
    part: r.u16(),
    quarter: r.f64(),
    pitch: r.u8(),
    nats: r.f32(),
    expected: r.u8(),
    odds: r.f32(),
    because: r.list(() => readInfluenceInfo(r)),
  };
}

function readSurprises(r: Reader): Surprises {
  return {
    kind: "Surprises",
    author: r.text(),
    measure: r.text(),
    from_quarter: r.f64(),
    to_quarter: r.f64(),
    notes: r.list(() => readSurpriseInfo(r)),
  };
}

function readSolo(r: Reader): Solo {
  return {
    kind: "Solo",
    part: r.text(),
    state: r.choice(["waiting", "following", "paused", "lost", "ended"] as const),
    quarter: r.f64(),
    measure: r.text(),
    beat: r.u8(),
    bpm: r.f32(),
    confidence: r.f32(),
    apart_quarters: r.f32(),
  };
}

function readAnyNNICSSA(r: Reader): NoteOn | NoteOff | Ictus | Crossing | Silence | Signed | Applause {
  const tag = r.u8();
  switch (tag) {
    case 0x01: return readNoteOn(r);
    case 0x02: return readNoteOff(r);
    case 0x03: return readIctus(r);
    case 0x04: return readCrossing(r);
    case 0x05: return readSilence(r);
    case 0x06: return readSigned(r);
    case 0x07: return readApplause(r);
    default: throw new RangeError(`unknown kind ${tag}`);
  }
}

/** A message from the relay. Throws RangeError or TypeError where it is malformed. */
export function decodeServer(data: ArrayBuffer | Uint8Array): ServerMessage {
  const r = new Reader(data instanceof Uint8Array ? data : new Uint8Array(data));
  const message = readServerMessage(r);
  r.end();
  return message;
}

function readServerMessage(r: Reader): ServerMessage {
  const tag = r.u8();
  switch (tag) {
    case 0x01: return readSnapshot(r);
    case 0x02: return readTick(r);
    case 0x03: return readEvents(r);
    case 0x04: return readSounding(r);
    case 0x05: return readPresence(r);
    case 0x06: return readPong(r);
    case 0x07: return readAudio(r);
    case 0x08: return readPlayers(r);
    case 0x11: return readHallShown(r);
    case 0x09: return readNotice(r);
    case 0x0a: return readPairingCode(r);
    case 0x0b: return readPaired(r);
    case 0x0c: return readInteraction(r);
    case 0x0d: return readSoundStatus(r);
    case 0x0e: return readHarmony(r);
    case 0x0f: return readSurprises(r);
    case 0x10: return readSolo(r);
    default: throw new RangeError(`unknown kind ${tag}`);
  }
}

function writeHello(w: Writer, m: Hello): void {
  w.text(m.name, 128);
  w.choice(["none", "opus", "pcm16"] as const, m.codec);
  w.text(m.host_key, 255);
}

function writeAck(w: Writer, m: Ack): void {
  w.u32(m.tick);
  w.u64(m.audio_end);
}

function writePing(w: Writer, m: Ping): void {
  w.f64(m.client_s);
}

function writePointerSample(w: Writer, m: PointerSample): void {
  w.f64(m.client_s);
  w.f32(m.x);
  w.f32(m.y);
  w.bool(m.pressed);
}

function writePointer(w: Writer, m: Pointer): void {
  w.f64(m.clock_offset_s);
  w.list(m.samples, (item) => { writePointerSample(w, item); });
}

function writePoseSample(w: Writer, m: PoseSample): void {
  w.f64(m.client_s);
  w.choice(["baton", "left", "head"] as const, m.device);
  w.f32(m.position_m[0]); w.f32(m.position_m[1]); w.f32(m.position_m[2]);
  w.optional(m.orientation_wxyz, (item) => { w.f32(item[0]); w.f32(item[1]); w.f32(item[2]); w.f32(item[3]); });
  w.bool(m.valid);
}

function writePoses(w: Writer, m: Poses): void {
  w.f64(m.clock_offset_s);
  w.list(m.samples, (item) => { writePoseSample(w, item); });
}

function writeBaton(w: Writer, m: Baton): void {
  w.choice(["request", "release", "grant", "take"] as const, m.action);
  w.u16(m.viewer);
}

function writeCommand(w: Writer, m: Command): void {
  w.choice(["start", "stop", "seek", "gain", "mute", "cue", "solo"] as const, m.action);
  w.u32(m.target);
  w.f32(m.value);
}

function writeRename(w: Writer, m: Rename): void {
  w.text(m.name, 128);
}

function writeListen(w: Writer, m: Listen): void {
  w.choice(["none", "opus", "pcm16"] as const, m.codec);
}

function writeTapSample(w: Writer, m: TapSample): void {
  w.f64(m.client_s);
  w.f32(m.strength);
}

function writeTap(w: Writer, m: Tap): void {
  w.f64(m.clock_offset_s);
  w.list(m.samples, (item) => { writeTapSample(w, item); });
}

function writeKeySample(w: Writer, m: KeySample): void {
  w.f64(m.client_s);
  w.u8(m.pitch);
  w.u8(m.velocity);
}

function writeKeys(w: Writer, m: Keys): void {
  w.f64(m.clock_offset_s);
  w.list(m.samples, (item) => { writeKeySample(w, item); });
}

function writePair(w: Writer, m: Pair): void {
  w.text(m.origin, 255);
}

function writeClaim(w: Writer, m: Claim): void {
  w.text(m.token, 255);
}

function writeRaySample(w: Writer, m: RaySample): void {
  w.f64(m.client_s);
  w.choice(["mouse", "left", "right"] as const, m.hand);
  w.f32(m.origin_m[0]); w.f32(m.origin_m[1]); w.f32(m.origin_m[2]);
  w.f32(m.direction[0]); w.f32(m.direction[1]); w.f32(m.direction[2]);
  w.optional(m.tip_m, (item) => { w.f32(item[0]); w.f32(item[1]); w.f32(item[2]); });
  w.bool(m.select);
  w.bool(m.grab);
  w.bool(m.menu);
  w.bool(m.section);
  w.bool(m.valid);
}

function writePointing(w: Writer, m: Pointing): void {
  w.f64(m.clock_offset_s);
  w.f32(m.eye_m[0]); w.f32(m.eye_m[1]); w.f32(m.eye_m[2]);
  w.f32(m.gaze[0]); w.f32(m.gaze[1]); w.f32(m.gaze[2]);
  w.list(m.samples, (item) => { writeRaySample(w, item); });
}

/** Bytes of a message to the relay. Throws RangeError where a text is too long. */
export function encodeClient(message: ClientMessage): ArrayBuffer {
  const w = new Writer();
  switch (message.kind) {
    case "Hello": w.u8(0x41); writeHello(w, message); break;
    case "Ack": w.u8(0x42); writeAck(w, message); break;
    case "Ping": w.u8(0x43); writePing(w, message); break;
    case "Pointer": w.u8(0x44); writePointer(w, message); break;
    case "Poses": w.u8(0x45); writePoses(w, message); break;
    case "Baton": w.u8(0x46); writeBaton(w, message); break;
    case "Command": w.u8(0x47); writeCommand(w, message); break;
    case "Rename": w.u8(0x48); writeRename(w, message); break;
    case "Listen": w.u8(0x49); writeListen(w, message); break;
    case "Tap": w.u8(0x4a); writeTap(w, message); break;
    case "Keys": w.u8(0x4e); writeKeys(w, message); break;
    case "Pair": w.u8(0x4b); writePair(w, message); break;
    case "Claim": w.u8(0x4c); writeClaim(w, message); break;
    case "Pointing": w.u8(0x4d); writePointing(w, message); break;
  }
  return w.finish();
}

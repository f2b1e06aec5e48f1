/**
 * Seen hands → poses of baton and left hand in the tracking frame. No camera, no window, so that tests can drive it.
 *
 * The camera looks at the conductor: its picture's right is the person's left, its depth their forward. A hand's size
 * gives the scale: the detector knows the hand's shape in metres as it is turned now, so the best fit of that shape to
 * the picture is metres to the picture's height, however the hand is held.
 */
import type { PoseSample } from "../generated/protocol";
import { CENTRE_M, poseSample, type Quat, type Vec3 } from "./input";
import { OneEuroFilter } from "./webcam_filter";
import { orientationOf, pointOf, scaleOf, turned } from "./webcam_geometry";
import type { HandsReading, SeenHand } from "./webcam_hands";

export type Side = "left" | "right";

export interface WebcamSettings {
  /** Which hand conducts; `auto`: the one that moves while it is calibrated. */
  readonly hand: Side | "auto";
  /** What of the hand is the baton. The knuckles are steadier, the finger tip shows the wrist's flick. */
  readonly point: "knuckles" | "fingertip";
  /** The camera gives its picture already mirrored. */
  readonly mirrored: boolean;
}

export interface WebcamPoses {
  readonly samples: PoseSample[];
  /** 0–1: how far the calibration is; 1: it conducts. */
  readonly calibrated: number;
  /** The hand that conducts, null before that is known. */
  readonly conducting: Side | null;
  /** Index of the baton's hand in the reading, null where it is not seen. */
  readonly batonHand: number | null;
}

const CALIBRATION_S = 1.6;
const CALIBRATION_READINGS = 6;
/** A gap in the calibration: the hand went away, begin again. */
const CALIBRATION_GAP_S = 0.7;
/** Two hands of the same name, or a name that flips, are told apart by where they were this shortly before. */
const REMEMBERED_S = 0.5;
/** In picture heights. */
const NEAR = 0.35;
/** The other hand takes the baton after this long without the one that had it (`auto` alone). */
const CHANGE_HANDS_S = 1.2;
/** After this long with one hand it is the baton's (`auto`), whatever the detector calls it after a quick move. */
const ALONE_S = 3;
const SCALE_TIME_S = 1.5;
/** A person walks, the orchestra does not see it as a gesture. */
const DEPTH_TIME_S = 0.35;
const DEPTH_LIMIT_M = 0.3;
/** Distance × hand's scale in the picture, for a lens of 60° across a 4:3 picture: ½ / tan(30°) × 4/3. */
const FOCAL_HEIGHTS = 1.155;
const ORIENTATION_SHARE = 0.45;
/** 1€ filter: an ictus comes 6 ms late, and a resting hand trembles half as much (webcam.test.ts). */
const REST_CUTOFF_HZ = 3;
const CUTOFF_HZ_PER_MPS = 14;

/** A hand as it is in one picture. Places in picture heights from the middle: x to the person's right, y up. */
interface Placed {
  readonly index: number;
  readonly side: Side;
  readonly x: number;
  readonly y: number;
  /** Picture heights to a metre at the hand. */
  readonly scale: number;
  readonly seen: SeenHand;
}

interface Track {
  atS: number;
  x: number;
  y: number;
  readonly filter: OneEuroFilter;
  last: Vec3;
  orientation: Quat | null;
}

export class HandPoses {
  private tracks: Record<Side, Track> = { left: newTrack(), right: newTrack() };
  private begunS = NaN;
  private readings: Record<Side, Placed[]> = { left: [], right: [] };
  /** Whether both hands were seen while it is calibrated. */
  private together = false;
  private baton: Side | null = null;
  private origin = { x: 0, y: 0 };
  private scale = 0;
  private firstScale = 0;
  private depthM = 0;
  private lastS = -Infinity;

  constructor(private settings: WebcamSettings) {}

  /** Calibrates anew, with these settings. */
  restart(settings: WebcamSettings): void {
    this.settings = settings;
    this.tracks = { left: newTrack(), right: newTrack() };
    this.begin();
  }

  read(reading: HandsReading): WebcamPoses {
    const timeS = reading.capturedS;
    if (!(timeS > this.lastS)) return this.told([], null);
    const placed = this.place(reading);
    if (this.baton === null) {
      this.remember(placed, timeS);
      this.calibrate(placed, timeS);
      return this.told([], placed.find(({ side }) => side === this.settings.hand)?.index ?? placed[0]?.index ?? null);
    }
    if (this.settings.hand === "auto") this.changeHands(placed, timeS);
    const baton = placed.find(({ side }) => side === this.baton);
    if (baton !== undefined) this.follow(baton, timeS);
    this.remember(placed, timeS);
    const samples: PoseSample[] = [];
    for (const side of [this.baton, other(this.baton)]) {
      const hand = placed.find((one) => one.side === side);
      const device = side === this.baton ? "baton" : "left";
      const sample = this.sample(device, this.tracks[side], hand, timeS);
      if (sample !== null) samples.push(sample);
    }
    this.lastS = timeS;
    return this.told(samples, baton?.index ?? null);
  }

  private told(samples: PoseSample[], batonHand: number | null): WebcamPoses {
    return { samples, batonHand, calibrated: this.baton === null ? this.progress() : 1, conducting: this.baton };
  }

  /** Which hand is which: first by where each was, then by the detector's word, then by the side of the picture. */
  private place(reading: HandsReading): Placed[] {
    const flip = this.settings.mirrored ? 1 : -1;
    const hands = reading.hands.map((seen, index) => {
      const point = pointOf(seen, this.settings.point);
      const named: Side = (seen.label === "Left") === this.settings.mirrored ? "left" : "right";
      return { index, named, x: flip * (point.x - 0.5) * reading.aspect, y: 0.5 - point.y, scale: scaleOf(seen, reading.aspect), seen };
    });
    const sides = new Map<number, Side>();
    for (const side of ["right", "left"] as const) {
      const track = this.tracks[side];
      if (reading.capturedS - track.atS > REMEMBERED_S) continue;
      const free = hands.filter(({ index }) => !sides.has(index));
      const nearest = free.sort((a, b) => distance(a, track) - distance(b, track))[0];
      const rival = this.tracks[other(side)];
      const claimed = nearest !== undefined && reading.capturedS - rival.atS <= REMEMBERED_S && distance(nearest, rival) < distance(nearest, track);
      if (nearest !== undefined && !claimed && distance(nearest, track) < NEAR) sides.set(nearest.index, side);
    }
    const alone = hands.length === 1 && sides.size === 0 && this.settings.hand === "auto" ? this.baton : null;
    if (alone !== null && reading.capturedS - this.tracks[other(alone)].atS > ALONE_S) sides.set(hands[0]!.index, alone);
    const taken = new Set(sides.values());
    const rest = hands.filter(({ index }) => !sides.has(index));
    if (rest.length === 2 && rest[0]!.named === rest[1]!.named) {
      const [one, two] = rest as [(typeof rest)[0], (typeof rest)[0]];
      sides.set(one.index, one.x > two.x ? "right" : "left");
      sides.set(two.index, one.x > two.x ? "left" : "right");
    } else {
      for (const hand of rest) {
        const side = taken.has(hand.named) ? other(hand.named) : hand.named;
        if (taken.has(side)) continue;
        sides.set(hand.index, side);
        taken.add(side);
      }
    }
    return hands.flatMap((hand) => {
      const side = sides.get(hand.index);
      return side === undefined || !(hand.scale > 0) ? [] : [{ ...hand, side }];
    });
  }

  private begin(): void {
    this.begunS = NaN;
    this.readings = { left: [], right: [] };
    this.together = false;
    this.baton = null;
  }

  private progress(): number {
    const first = Number.isNaN(this.begunS) ? 0 : (this.lastS - this.begunS) / CALIBRATION_S;
    return Math.max(0, Math.min(0.99, first));
  }

  private calibrate(placed: readonly Placed[], timeS: number): void {
    const wanted = placed.filter(({ side }) => this.settings.hand === "auto" || side === this.settings.hand);
    if (wanted.length === 0) {
      if (timeS - this.lastS > CALIBRATION_GAP_S) this.begin();
      return;
    }
    if (Number.isNaN(this.begunS)) this.begunS = timeS;
    for (const hand of wanted) this.readings[hand.side].push(hand);
    if (wanted.length > 1) this.together = true;
    this.lastS = timeS;
    const { left, right } = this.readings;
    if (timeS - this.begunS < CALIBRATION_S || left.length + right.length < CALIBRATION_READINGS) return;
    // Two hands: the one that moves. One hand: what it was called most of the time.
    const moving = path(left) > path(right) ? "left" : "right";
    const usual = left.length > right.length ? "left" : "right";
    this.baton = this.together ? moving : usual;
    const own = this.together ? this.readings[this.baton] : [...left, ...right];
    if (!this.together) this.tracks[other(this.baton)] = newTrack();
    this.scale = this.firstScale = median(own.map(({ scale }) => scale));
    this.origin = { x: median(own.map(({ x }) => x)), y: median(own.map(({ y }) => y)) };
    this.depthM = 0;
  }

  /** The other hand takes over when the first has been away and the other is there. */
  private changeHands(placed: readonly Placed[], timeS: number): void {
    const baton = this.baton!;
    if (timeS - this.tracks[baton].atS > CHANGE_HANDS_S && placed.some(({ side }) => side !== baton)) this.baton = other(baton);
  }

  /** The scale follows the person slowly to and from the camera. */
  private follow(hand: Placed, timeS: number): void {
    const dt = Math.min(0.2, Math.max(0, timeS - this.lastS));
    this.scale *= (hand.scale / this.scale) ** (dt / (dt + SCALE_TIME_S));
    const depth = FOCAL_HEIGHTS / hand.scale - FOCAL_HEIGHTS / this.firstScale;
    const limited = Math.max(-DEPTH_LIMIT_M, Math.min(DEPTH_LIMIT_M, depth));
    this.depthM += (dt / (dt + DEPTH_TIME_S)) * (limited - this.depthM);
  }

  private remember(placed: readonly Placed[], timeS: number): void {
    for (const { side, x, y } of placed) Object.assign(this.tracks[side], { x, y, atS: timeS });
  }

  private sample(device: "baton" | "left", track: Track, hand: Placed | undefined, timeS: number): PoseSample | null {
    if (hand === undefined) {
      // A hand that was never seen has no place to be lost at.
      const known = Number.isFinite(track.atS);
      track.filter.reset();
      return known ? poseSample(timeS, device, track.last, null, false) : null;
    }
    const [x, y, z] = CENTRE_M;
    // Nearer to the camera is further forward: −Z.
    const raw: Vec3 = [x + (hand.x - this.origin.x) / this.scale, y + (hand.y - this.origin.y) / this.scale, z + (device === "baton" ? this.depthM : 0)];
    track.last = track.filter.next(raw, timeS);
    track.orientation = turned(track.orientation, orientationOf(hand.seen, this.settings.mirrored), ORIENTATION_SHARE);
    // The baton is drawn as a baton is held; the left hand's direction says whom it points to.
    return poseSample(timeS, device, track.last, device === "left" ? track.orientation : null, true);
  }
}

function newTrack(): Track {
  return { atS: -Infinity, x: 0, y: 0, filter: new OneEuroFilter(REST_CUTOFF_HZ, CUTOFF_HZ_PER_MPS), last: CENTRE_M, orientation: null };
}

function other(side: Side): Side {
  return side === "left" ? "right" : "left";
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** How far a hand went, in its own metres. */
function path(hands: readonly Placed[]): number {
  let metres = 0;
  for (let i = 1; i < hands.length; i++) metres += distance(hands[i]!, hands[i - 1]!) / hands[i]!.scale;
  return metres;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

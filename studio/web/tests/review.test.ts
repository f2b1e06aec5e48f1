import { describe, expect, it } from "vitest";
import type { Event, PositionInfo, Snapshot, Tick } from "../src/generated/protocol";
import { fitGhost } from "../src/view/ghost";
import { markedTempi, Review } from "../src/view/review";
import { articulationWords, dynamicWords, lineWords } from "../src/view/words";

const SQUARE: [number, number][] = [[0, 0], [0.2, 1], [-0.4, 0], [0, 0.5], [0.4, 0], [0.2, 0.6], [0.1, 0.2], [0.05, 1], [0, 0]];

function snapshot(): Snapshot {
  return {
    kind: "Snapshot", relay_id: 1, viewer: 2, tick_hz: 30, ack_window: 10, title: "T", composer: "C", hall: "", picture: "musikverein", end_quarter: 64,
    parts: [], players: [], rehearsal: [], markings: [], audio: { rate_hz: 0, packet_samples: 0 },
    measures: Array.from({ length: 16 }, (_, m) => ({ start_quarter: 4 * m, duration_quarter: 4, number: String(m + 1), numerator: 4, denominator: 4 })),
    beats: Array.from({ length: 64 }, (_, b) => ({ quarter: b, measure: b >> 2, beat: 1 + (b % 4), beats_in_measure: 4 })),
    tempos: [{ quarter: 0, quarter_bpm: 100 }, { quarter: 8, quarter_bpm: 80 }],
    figures: [{ beats: 4, way: SQUARE }],
    presence: { kind: "Presence", baton_holder: 0, requests: [], viewers: [] },
    position: null, next_event: 0, sounding: [], keyboard: null,
  };
}

function tick(timeS: number, place: [number, number] | null, state: PositionInfo["state"] = "playing", beat = timeS / 0.5): Tick {
  return {
    kind: "Tick", tick: 1, frame_s: timeS, level: 0.5, articulation: 0, attention: "", first_event: 0, events: [],
    position: { time_s: timeS, beat, quarter: beat, quarter_rate: 2, bpm: 120, beat_in_measure: 1, measure: "1", state },
    tempo: { beat_index: Math.floor(beat), beat_s: timeS, beat_period_s: 0.5, next_beat_s: timeS + 0.5, confidence: 0.9, stopped: false },
    poses: place === null ? [] : [{ time_s: timeS, device: "baton", position_m: [place[0], place[1], 0], orientation_wxyz: null }],
  };
}

const crossing = (beat_index: number, time_s: number): Event => ({ kind: "Crossing", beat_index, time_s, quarter: beat_index, beat: 1 + (beat_index % 4), bpm: 120 });
const ictus = (beat_index: number, time_s: number, clarity = 0.8): Event => ({ kind: "Ictus", beat_index, time_s, detected_s: time_s + 0.06, stroke_m: 0.3, clarity });

/** Two beats a second; the ictus of the first beat of a bar comes 100 ms before the music, the others with it. */
function conducted(beats: number): Review {
  const review = new Review();
  review.open(snapshot());
  for (let step = 0; step <= beats * 15; step++) {
    const timeS = step / 30;
    const turn = ((timeS / 0.5) % 4) * 2;
    const [from, to] = [SQUARE[Math.floor(turn)]!, SQUARE[Math.floor(turn) + 1]!];
    const share = turn % 1;
    review.tick(tick(timeS, [0.3 * (from[0] + share * (to[0] - from[0])), 1 + 0.3 * (from[1] + share * (to[1] - from[1]))]));
    if (step % 15 === 0) {
      const beat = step / 15;
      review.event(ictus(beat, timeS - (beat % 4 === 0 ? 0.1 : 0)));
      review.event(crossing(beat, timeS));
    }
  }
  return review;
}

describe("what was understood", () => {
  it("gives the bars of a short repeat lines of their own", () => {
    const review = new Review();
    const twice = snapshot();
    review.open({ ...twice, measures: twice.measures.map((measure, index) => ({ ...measure, number: String(1 + (index % 2)) })) });
    for (let beat = 0; beat < 16; beat++) review.event(crossing(beat, 0.5 * beat));
    const bars = review.lines.filter((line) => line.kind === "bar");
    expect(bars.map(({ measure }) => measure)).toEqual(["2", "1", "2", "1"]);
    expect(bars.every(({ beats }) => beats.length === 4)).toBe(true);
  });

  it("compares with the marks in the conductor's beats", () => {
    expect(Array.from(markedTempi(snapshot())).slice(6, 10)).toEqual([100, 100, 80, 80]);
    const halves = snapshot();
    const inTwo = { ...halves, beats: halves.beats.filter((_, b) => b % 2 === 0) };
    expect(markedTempi(inTwo)[0]).toBe(50);
  });

  it("keeps the way of two bars and its icti", () => {
    const review = conducted(24);
    const { way } = review;
    expect(way[way.length - 1]!.timeS - way[0]!.timeS).toBeCloseTo(4, 1);
    expect(review.icti().length).toBeGreaterThanOrEqual(8);
    expect(review.icti().length).toBeLessThanOrEqual(9);
  });

  it("tells clarity, lag and steadiness by beat of the bar, over the last bars", () => {
    const statistics = conducted(48).statistics();
    expect(statistics.map(({ beat }) => beat)).toEqual([1, 2, 3, 4]);
    expect(statistics[0]!.lagMs).toBeCloseTo(100, 0);
    expect(statistics[1]!.lagMs).toBeCloseTo(0, 0);
    expect(statistics[1]!.count).toBeLessThanOrEqual(8);
    expect(statistics[2]!.clarity).toBeCloseTo(0.8, 3);
    expect(statistics[2]!.scatterMs).toBeCloseTo(0, 3);
  });

  it("knows a beat that was played without an ictus", () => {
    const review = conducted(8);
    review.event(crossing(9, 4.5));
    const points = review.conducted;
    expect(review.ictusFor(points[points.length - 1]!)).toBeNull();
    expect(review.ictusFor(points[0]!)).not.toBeNull();
    expect(lineWords(review.lines[0]!)).toBe("Bar 3: 1 60 ms, 2 alone");
  });

  it("begins the curve anew where the conductor does", () => {
    const review = conducted(12);
    review.event(crossing(4, 20));
    expect(review.conducted.map(({ beatIndex }) => beatIndex)).toEqual([0, 1, 2, 3, 4]);
  });

  it("says a sign that goes on once, and states as they change", () => {
    const review = conducted(4);
    const hush = (time_s: number): Event => ({ kind: "Signed", time_s, sign: "hush", section: "Horns", amount: -0.2 });
    for (let i = 0; i < 20; i++) review.event(hush(3 + i / 20));
    review.tick(tick(4.2, null, "holding"));
    expect(review.lines.map(lineWords).filter((line) => !line.startsWith("Bar"))).toEqual(["Holding", "Hush: Horns", "Playing with you"]);
  });
});

describe("the ghost", () => {
  it("has the size, the place and the hand of the conductor", () => {
    for (const side of [1, -1]) {
      const way = SQUARE.flatMap(([x, y], i) => [{ timeS: i, x: 0.1 + side * 0.3 * x, y: 1 + 0.3 * y }, { timeS: i + 0.5, x: 0.1 + side * 0.3 * x, y: 1 + 0.3 * y }]);
      const icti = [0, 1, 2, 3].map((beatIndex) => ({ beatIndex, timeS: 0, knownMs: 0, clarity: 1, x: 0.1 + side * 0.3 * SQUARE[2 * beatIndex]![0], y: 1 + 0.3 * SQUARE[2 * beatIndex]![1] }));
      const ghost = fitGhost({ beats: 4, way: SQUARE }, way, icti, (index) => index + 1)!;
      expect(ghost.mirrored).toBe(side < 0);
      ghost.way.forEach(([x, y], i) => {
        expect(x).toBeCloseTo(0.1 + side * 0.3 * SQUARE[i]![0], 6);
        expect(y).toBeCloseTo(1 + 0.3 * SQUARE[i]![1], 6);
      });
    }
  });

  it("is not there for a hand at rest", () => {
    const rest = Array.from({ length: 30 }, (_, i) => ({ timeS: i, x: 0, y: 1 }));
    expect(fitGhost({ beats: 4, way: SQUARE }, rest, [], () => 1)).toBeNull();
  });
});

it("puts levels and articulation into words", () => {
  expect([0.1, 0.3, 0.5, 0.7, 0.9].map(dynamicWords)).toEqual(["much softer", "softer", "as written", "louder", "much louder"]);
  expect([-0.5, 0, 0.5].map(articulationWords)).toEqual(["legato", "neutral", "staccato"]);
});

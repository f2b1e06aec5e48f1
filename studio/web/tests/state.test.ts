import { describe, expect, it, vi } from "vitest";
import { readAddress } from "../src/address";
import { Concert, type ConcertEvents, lastAtOrBefore } from "../src/concert";
import type { Event, NoteOn, PointerSample, PositionInfo, Snapshot, Tick } from "../src/generated/protocol";
import { Backoff } from "../src/net/backoff";
import { ClockEstimate } from "../src/net/clock";
import { Governor, LADDER } from "../src/scene/governor";
import { Timeline } from "../src/timeline";
import { SampleBatch } from "../src/ui/sample_batch";
import { type ShortcutActions, shortcut } from "../src/ui/shortcuts";
import { distrusted, sentence } from "../src/ui/status_line";

const position = (time_s: number, quarter: number, state: PositionInfo["state"] = "playing"): PositionInfo => ({
  time_s, beat: quarter, quarter, quarter_rate: 2, bpm: 120, beat_in_measure: 1 + (quarter % 4), measure: "1", state,
});

function snapshot(): Snapshot {
  return {
    kind: "Snapshot", relay_id: 1, viewer: 2, tick_hz: 30, ack_window: 10, title: "T", composer: "C", hall: "", picture: "musikverein", end_quarter: 8,
    parts: [], players: [], rehearsal: [], markings: [], audio: { rate_hz: 0, packet_samples: 0 },
    measures: [0, 1].map((m) => ({ start_quarter: 4 * m, duration_quarter: 4, number: String(m + 10), numerator: 4, denominator: 4 })),
    beats: Array.from({ length: 8 }, (_, b) => ({ quarter: b, measure: b >> 2, beat: 1 + (b % 4), beats_in_measure: 4 })),
    presence: { kind: "Presence", baton_holder: 0, requests: [], viewers: [{ viewer: 2, name: "A", colour: 0, host: false }] },
    tempos: [], figures: [], position: null, next_event: 5, sounding: [], keyboard: null,
  };
}

const note = (note_id: number): NoteOn => ({ kind: "NoteOn", note_id, part: 0, pitch: 60, velocity: 64, onset_s: 1, duration_s: 1, quarter: 0, articulation: "sustain", ai: false });

function tick(first_event: number, events: Event[], at: PositionInfo | null = null): Tick {
  return { kind: "Tick", tick: 1, frame_s: 0, position: at, tempo: null, level: 0.5, articulation: 0, attention: "", poses: [], first_event, events };
}

function concert(): { concert: Concert; heard: number[] } {
  const heard: number[] = [];
  const nothing = (): void => undefined;
  const events: ConcertEvents = {
    opened: nothing, placed: nothing, present: nothing, sounding: nothing, pose: nothing, ticked: nothing, notice: nothing,
    event: (event) => event.kind === "NoteOn" && heard.push(event.note_id),
  };
  return { concert: new Concert(events), heard };
}

describe("Concert", () => {
  it("plays each event once, in order, across skipped ticks and catch-ups", () => {
    const { concert: c, heard } = concert();
    c.take(snapshot());
    c.take(tick(5, [note(5), note(6)]));
    c.take({ kind: "Events", first_event: 6, events: [note(6), note(7), note(8)] });
    c.take(tick(9, [note(9)]));
    expect(heard).toEqual([5, 6, 7, 8, 9]);
    expect(c.missedEvents).toBe(0);
    c.take(tick(12, [note(12)]));
    expect(c.missedEvents).toBe(2);
  });

  it("shows the playhead between reports, and still while it waits", () => {
    const { concert: c } = concert();
    c.take(snapshot());
    c.take(tick(5, [], position(10, 3)));
    expect(c.position(10.25)).toMatchObject({ quarter: 3.5, measure: "10", beat: 4, beats: 4 });
    expect(c.position(10.5)).toMatchObject({ quarter: 4, measure: "11", beat: 1, measureIndex: 1 });
    c.take(tick(5, [], position(11, 5, "waiting")));
    expect(c.position(11.4)?.quarter).toBe(5);
    expect(c.position(10.1)?.quarter).toBeCloseTo(3.2);
  });

  it("shows an upbeat's beat that begins before the score as the first of it", () => {
    const { concert: c } = concert();
    const { beats, ...rest } = snapshot();
    c.take({ ...rest, beats: [{ quarter: -0.5, measure: 0, beat: 4, beats_in_measure: 4 }, ...beats.slice(1)] });
    c.take(tick(5, [], position(10, -0.5)));
    expect(c.position(10.1)).toMatchObject({ measureIndex: 0, beat: 4, beats: 4, progress: 0 });
  });

  it("tells in which hall they play now, and keeps it", () => {
    const seen: string[] = [];
    const nothing = (): void => undefined;
    const c = new Concert({ opened: nothing, placed: nothing, entered: (picture) => seen.push(picture), present: nothing, event: nothing, sounding: nothing, pose: nothing, ticked: nothing, notice: nothing });
    c.take(snapshot());
    c.take({ kind: "HallShown", hall: "abbey", picture: "cathedral" });
    expect(seen).toEqual(["cathedral"]);
    expect(c.snapshot).toMatchObject({ hall: "abbey", picture: "cathedral", title: "T" });
  });

  it("knows who may do what", () => {
    const { concert: c } = concert();
    c.take(snapshot());
    expect([c.holding, c.controlling, c.holderName]).toEqual([false, false, ""]);
    c.take({ ...snapshot().presence, baton_holder: 2 });
    expect([c.holding, c.controlling, c.holderName]).toEqual([true, true, "A"]);
    c.take({ ...snapshot().presence, baton_holder: 0xffff });
    expect([c.holding, c.holderName]).toEqual([false, "the podium"]);
  });
});

describe("lastAtOrBefore", () => {
  it("finds the last key at or before a value", () => {
    const items = [0, 1, 1, 4];
    expect([-1, 0, 0.5, 1, 3, 4, 9].map((v) => lastAtOrBefore(items, (x) => x, v))).toEqual([-1, 0, 0, 2, 2, 3, 3]);
  });
});

describe("ClockEstimate", () => {
  it("trusts the shortest round trip, however late the others", () => {
    const clock = new ClockEstimate();
    clock.add(10, 10.4, 110.35);
    clock.add(11, 11.01, 111.005);
    clock.add(12, 12.5, 112.1);
    expect(clock.best(12.5)?.offsetS).toBeCloseTo(100, 6);
  });

  it("lets old exchanges go as clocks drift", () => {
    const clock = new ClockEstimate();
    clock.add(0, 0.002, 100.001);
    clock.add(600, 600.03, 700.055);
    expect(clock.best(600.03)?.offsetS).toBeCloseTo(100.04, 6);
  });
});

describe("Timeline", () => {
  it("follows what is heard and never runs backwards for small errors", () => {
    let now = 0;
    let heard: number | null = null;
    const line = new Timeline(() => heard, () => now);
    expect(line.timeS()).toBeNaN();
    line.setClock({ offsetS: 50, roundTripS: 0.01 });
    expect(line.timeS()).toBeCloseTo(49.91);
    heard = 49.85;
    let last = line.timeS();
    for (let i = 0; i < 400; i++) {
      now += 1 / 60;
      heard = 49.85 + now;
      const t = line.timeS();
      expect(t).toBeGreaterThanOrEqual(last);
      last = t;
    }
    expect(last).toBeCloseTo(heard, 2);
    heard += 5;
    now += 1 / 60;
    expect(line.timeS()).toBeCloseTo(heard, 6);
  });
});

describe("Governor", () => {
  it("gives up quality where frames are late and gets it back when they are not", () => {
    const governor = new Governor();
    for (let i = 0; i < 400; i++) governor.frame(45);
    expect(governor.quality).toBe(LADDER[LADDER.length - 1]);
    for (let i = 0; i < 5000; i++) governor.frame(16.7);
    expect(governor.quality).toBe(LADDER[0]);
  });

  it.each([33.3, 41.7])("leaves the picture as it is on a display that shows one each %f ms by itself", (displayMs) => {
    const governor = new Governor();
    for (let i = 0; i < 1000; i++) governor.frame(displayMs + (i % 3) - 1);
    expect(governor.quality).toBe(LADDER[0]);
    for (let i = 0; i < 200; i++) governor.frame(2.2 * displayMs);
    expect(governor.quality).not.toBe(LADDER[0]);
    for (let i = 0; i < 3000; i++) governor.frame(displayMs);
    expect(governor.quality).toBe(LADDER[0]);
  });

  it("leaves out frames where the page itself takes that long", () => {
    const governor = new Governor();
    for (let i = 0; i < 1000; i++) governor.frame(36, 34);
    expect(governor.quality).toBe(LADDER[LADDER.length - 1]);
  });

  it("gets its quality back on a display of 50 Hz", () => {
    const governor = new Governor();
    for (let i = 0; i < 100; i++) governor.frame(60);
    expect(governor.quality).not.toBe(LADDER[0]);
    for (let i = 0; i < 5000; i++) governor.frame(20);
    expect(governor.quality).toBe(LADDER[0]);
  });

  it("goes down where that helps, as on a slow graphics chip", () => {
    const governor = new Governor();
    const takes = [50, 42, 33, 24, 20, 18];
    for (let i = 0; i < 1000; i++) governor.frame(takes[LADDER.indexOf(governor.quality)]!);
    expect(LADDER.indexOf(governor.quality)).toBe(3);
  });

  it("does not climb again at once after a climb that failed", () => {
    const governor = new Governor(2);
    let changes = 0;
    // Fluent at level 2, too slow at level 1: should settle, not swing.
    for (let i = 0; i < 6000; i++) if (governor.frame(governor.quality === LADDER[2] ? 16 : 40)) changes += 1;
    expect(changes).toBeLessThanOrEqual(4);
  });

  it("keeps a pinned quality", () => {
    const governor = new Governor(0, true);
    for (let i = 0; i < 100; i++) governor.frame(400);
    expect(governor.quality).toBe(LADDER[0]);
  });
});

describe("Backoff", () => {
  it("waits longer each time, at most eight seconds, and starts afresh", () => {
    const backoff = new Backoff(() => 1);
    expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([0.5, 1, 2, 4, 8, 8, 8]);
    backoff.reset();
    expect(backoff.next()).toBe(0.5);
  });
});

describe("readAddress", () => {
  it("finds the relay beside the page and keeps the host key off the wire's address", () => {
    const address = readAddress(new URL("https://hall.example/?display=1&view=balcony#host=KEY"));
    expect(address).toMatchObject({ display: true, view: "balcony", hostKey: "KEY", socketUrl: "wss://hall.example/ws" });
    expect(readAddress(new URL("http://127.0.0.1:8765/?view=nowhere"))).toMatchObject({ view: null, socketUrl: "ws://127.0.0.1:8765/ws" });
  });
});

describe("keys", () => {
  /** A key on an element that lies in those. */
  function pressed(key: string, inside: readonly string[] = [], repeat = false): string[] {
    const done: string[] = [];
    const actions = Object.fromEntries(["look", "fullscreen", "sound", "baton", "review", "why", "point", "cue", "menu", "startStop"].map((name) => [name, () => done.push(name)]));
    const target = { closest: (selector: string) => (selector.split(", ").some((part) => inside.includes(part)) ? {} : null) };
    const event = { key, repeat, target, ctrlKey: false, metaKey: false, altKey: false, preventDefault: () => {} };
    shortcut(event as unknown as KeyboardEvent, actions as unknown as ShortcutActions, true);
    return done;
  }

  it("command where nothing else wants them", () => {
    expect(pressed("b")).toEqual(["baton"]);
    expect(pressed(" ")).toEqual(["startStop"]);
    expect(pressed("b", [], true)).toEqual([]);
    for (const field of ["input", "select", "textarea", "[role=menu]"]) expect(pressed("f", [field])).toEqual([]);
    for (const pressable of ["button", "summary", "[role=button]"]) {
      expect(pressed(" ", [pressable])).toEqual([]);
      expect(pressed("m", [pressable])).toEqual(["sound"]);
    }
  });
});

describe("status line", () => {
  it("knows a device that does not trust the studio", () => {
    expect(distrusted(false, 2, "https:")).toBe(true);
    expect(distrusted(true, 9, "https:") || distrusted(false, 1, "https:") || distrusted(false, 9, "http:")).toBe(false);
  });

  it("says in one sentence what is wrong and what happens next", () => {
    expect(sentence({ state: "waiting", reason: "gone", retryAtS: 13.2 }, 10)).toBe("The studio does not answer. Trying again in 4 s.");
    expect(sentence({ state: "version" }, 0)).toMatch(/another version.*Reload/);
  });
});

describe("SampleBatch", () => {
  it("sends a thousand samples a second in few messages, in order, and the end at once", () => {
    vi.useFakeTimers();
    let now = 0;
    const sent: PointerSample[][] = [];
    const batch = new SampleBatch((samples) => sent.push(samples), () => now);
    for (let i = 0; i < 1000; i++) {
      batch.add([{ client_s: i / 1000, x: 0, y: 0, pressed: true }]);
      now += 1;
      vi.advanceTimersByTime(1);
    }
    batch.add([{ client_s: 1, x: 0, y: 0, pressed: false }]);
    vi.useRealTimers();
    expect(sent.length).toBeLessThan(130);
    const all = sent.flat();
    expect(all.length).toBe(1001);
    expect(all.every((sample, i) => i === 0 || sample.client_s > all[i - 1]!.client_s)).toBe(true);
    expect(all[1000]!.pressed).toBe(false);
  });
});

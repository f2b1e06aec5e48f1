import { describe, expect, it } from "vitest";
import { ASKED_BEFORE_S, directionsOf, EarTurn, leadOfLeftS } from "../src/audio/ear_turn";
import { SampleRing } from "../src/audio/ring";

const RATE = 48000;
const AHEAD = directionsOf([[0, 5, 0]]);
const rad = (deg: number): number => (deg * Math.PI) / 180;

/** Plays noise through a ring, alike in both ears; gives what the ears hear from `turnS` on. */
function heard(leftLaterS: number, seconds = 0.6): [Float32Array, Float32Array] {
  const ring = new SampleRing(RATE, RATE, 0.05);
  let state = 1;
  const noise = Float32Array.from({ length: RATE }, () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5);
  // Low frequencies, as those by which ears tell arrival.
  for (let i = 1; i < noise.length; i++) noise[i] = noise[i - 1]! + 0.2 * (noise[i]! - noise[i - 1]!);
  const length = Math.round(seconds * RATE / 128) * 128;
  const ears: [Float32Array, Float32Array] = [new Float32Array(length), new Float32Array(length)];
  for (let at = 0, sent = 0; at < length; at += 128) {
    while (sent < at + 4800) {
      ring.push(sent, sent / RATE, noise.subarray(sent, sent + 960), noise.subarray(sent, sent + 960));
      sent += 960;
    }
    if (at > 0.2 * RATE) ring.turn(leftLaterS);
    ring.pull(ears[0].subarray(at, at + 128), ears[1].subarray(at, at + 128));
  }
  return ears;
}

/** By how many samples the left ear hears later, in the last 0.2 s. */
function lag([left, right]: [Float32Array, Float32Array]): number {
  const from = left.length - 0.2 * RATE;
  let best = 0;
  let most = -Infinity;
  for (let shift = -60; shift <= 60; shift++) {
    let sum = 0;
    for (let i = from; i < left.length - 64; i++) sum += left[i]! * right[i - shift]!;
    if (sum > most) [most, best] = [sum, shift];
  }
  return best;
}

describe("EarTurn", () => {
  it("knows how far apart the ears hear", () => {
    expect(leadOfLeftS(0)).toBe(0);
    expect(leadOfLeftS(rad(90)) * 1e6).toBeCloseTo(656, 0);
    expect(leadOfLeftS(rad(135))).toBeCloseTo(leadOfLeftS(rad(45)), 9);
    expect(leadOfLeftS(rad(-30))).toBeCloseTo(-leadOfLeftS(rad(30)), 9);
  });

  it("asks for nothing while the head is still, or where it is not known how the sound was rendered", () => {
    const ears = new EarTurn();
    expect(ears.leftLaterS(1, AHEAD)).toBe(0);
    for (let i = 0; i < 100; i++) ears.tell(i / 72, rad(20));
    expect(ears.leftLaterS(1.2, AHEAD)).toBe(0);
    ears.tell(2, rad(50));
    expect(ears.leftLaterS(-1, AHEAD)).toBe(0);
    expect(ears.leftLaterS(1.2, [])).toBe(0);
  });

  it("gives what is missing of a turn: all of it for players ahead, less for those aside", () => {
    const ears = new EarTurn();
    for (let i = 0; i <= 100; i++) ears.tell(i / 100, rad(i < 50 ? 0 : i - 50)); // from 0.5 s on 100 degrees a second
    // Sound that was due at 0.8 s is heard at 1 s: its head was told 18 ms before and looked 28 degrees to the left.
    const dueS = 0.8;
    const was = Math.floor(100 * (dueS - ASKED_BEFORE_S)) - 50;
    expect(ears.leftLaterS(dueS, AHEAD)).toBeCloseTo(leadOfLeftS(rad(-was)) - leadOfLeftS(rad(-50)), 6);
    expect(ears.leftLaterS(dueS, AHEAD) * 1e6).toBeGreaterThan(140);
    const half = directionsOf([[-4, 4, 0], [4, 4, 0]]);
    expect(ears.leftLaterS(dueS, half)).toBeLessThan(ears.leftLaterS(dueS, AHEAD));
    expect(ears.leftLaterS(dueS, half)).toBeGreaterThan(0);
  });

  it("does not follow a jump for ever", () => {
    const ears = new EarTurn();
    ears.tell(0, 0);
    ears.tell(1, 0);
    ears.tell(1.1, rad(170));
    expect(Math.abs(ears.leftLaterS(1.05, AHEAD))).toBeLessThan(leadOfLeftS(0.7) + 1e-9);
  });
});

describe("a ring whose ears are turned", () => {
  it("changes nothing by not turning", () => {
    const [left, right] = heard(0);
    expect(left).toEqual(right);
  });

  it("lets one ear hear later by as much as was asked, without a click", () => {
    for (const leftLaterS of [300e-6, -300e-6]) {
      const ears = heard(leftLaterS);
      expect(Math.abs(lag(ears) - leftLaterS * RATE)).toBeLessThan(1);
      const plain = heard(0);
      const step = (samples: Float32Array): number => samples.reduce((most, value, i) => (i === 0 ? 0 : Math.max(most, Math.abs(value - samples[i - 1]!))), 0);
      expect(step(ears[0])).toBeLessThan(1.15 * step(plain[0]));
    }
  });

  it("does not believe more than a head is wide", () => {
    expect(Math.abs(lag(heard(1)))).toBeLessThanOrEqual(48);
    expect(lag(heard(NaN))).toBe(0);
  });
});

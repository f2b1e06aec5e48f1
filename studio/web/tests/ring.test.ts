import { describe, expect, it } from "vitest";
import { SampleRing } from "../src/audio/ring";

const RATE = 48000;
const PACKET = 960;
const BLOCK = 128;

function sine(first: number, count: number, hz = 440): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((2 * Math.PI * hz * (first + i)) / RATE));
}

/** A sender and a player with clocks of their own, `ppm` apart; returns what was played. */
function play(ring: SampleRing, seconds: number, ppm = 0, lost: (packet: number) => boolean = () => false): Float32Array {
  const out = new Float32Array(Math.floor((seconds * RATE) / BLOCK) * BLOCK);
  let sent = 0;
  for (let at = 0; at < out.length; at += BLOCK) {
    while (sent * PACKET < at * (1 + ppm * 1e-6)) {
      if (!lost(sent)) {
        const samples = sine(sent * PACKET, PACKET);
        ring.push(sent * PACKET, 100 + (sent * PACKET) / RATE, samples, samples);
      }
      sent += 1;
    }
    const left = out.subarray(at, at + BLOCK);
    ring.pull(left, new Float32Array(BLOCK));
  }
  return out;
}

const largestStep = (samples: Float32Array): number => samples.reduce((most, value, i) => (i === 0 ? 0 : Math.max(most, Math.abs(value - samples[i - 1]!))), 0);

describe("SampleRing", () => {
  it("plays what came, unchanged, after its target is stored", () => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    const out = play(ring, 2);
    const start = out.findIndex((value) => Math.abs(value) > 1e-3);
    expect(start / RATE).toBeGreaterThan(0.075);
    expect(start / RATE).toBeLessThan(0.14);
    expect(ring.report().underruns).toBe(0);
    // A sine at full level has an RMS of 1/√2.
    const steady = out.subarray(RATE / 2);
    expect(Math.sqrt(steady.reduce((sum, value) => sum + value * value, 0) / steady.length)).toBeCloseTo(Math.SQRT1_2, 3);
  });

  it.each([-300, 300])("holds its store against a clock %i ppm off, without a click", (ppm) => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    const out = play(ring, 60, ppm);
    const report = ring.report();
    expect(report.underruns).toBe(0);
    expect(report.skippedS).toBe(0);
    expect(Math.abs(report.storedS - 0.1)).toBeLessThan(0.03);
    // A 440 Hz sine moves at most 2π·440/48000 = 0.0576 a sample.
    expect(largestStep(out)).toBeLessThan(0.062);
  });

  it("tells the session time of what it plays", () => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    play(ring, 3);
    const { timeS, storedS } = ring.report();
    expect(timeS).toBeGreaterThan(102.8);
    expect(timeS + storedS).toBeCloseTo(103, 1);
  });

  it("hides a lost packet as silence of the same length", () => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    const whole = play(ring, 2, 0, (packet) => packet === 50);
    const { underruns, timeS } = ring.report();
    expect(underruns).toBe(0);
    expect(timeS).toBeGreaterThan(101.8);
    let silent = 0;
    for (let i = RATE / 2; i < whole.length; i++) if (whole[i] === 0 && whole[i - 1] === 0) silent += 1;
    expect(Math.abs(silent - PACKET)).toBeLessThan(16);
  });

  it("after running dry waits for more than before", () => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    play(ring, 4, 0, (packet) => packet > 60 && packet < 80);
    const { underruns, targetS } = ring.report();
    expect(underruns).toBe(1);
    expect(targetS).toBeGreaterThan(0.12);
  });

  it("starts anew after a jump in the stream", () => {
    const ring = new SampleRing(RATE, RATE, 0.1);
    play(ring, 1);
    const samples = sine(0, PACKET);
    for (let i = 0; i < 10; i++) ring.push(1e7 + i * PACKET, 500 + (i * PACKET) / RATE, samples, samples);
    ring.pull(new Float32Array(BLOCK), new Float32Array(BLOCK));
    expect(ring.report().timeS).toBeCloseTo(500, 1);
  });

  it("resamples for a device of another rate", () => {
    const ring = new SampleRing(RATE, 44100, 0.1);
    const out = new Float32Array(44100);
    let sent = 0;
    for (let at = 0; at + BLOCK <= out.length; at += BLOCK) {
      while (sent * PACKET < at * (RATE / 44100) + 6000) {
        const samples = sine(sent * PACKET, PACKET);
        ring.push(sent * PACKET, (sent * PACKET) / RATE, samples, samples);
        sent += 1;
      }
      ring.pull(out.subarray(at, at + BLOCK), new Float32Array(BLOCK));
    }
    let crossings = 0;
    for (let i = 22050; i < 44000; i++) if (out[i - 1]! <= 0 && out[i]! > 0) crossings += 1;
    expect(crossings / ((44000 - 22050) / 44100)).toBeCloseTo(440, -1);
  });
});

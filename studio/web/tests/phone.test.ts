import { describe, expect, it } from "vitest";
import { type Calibration, GRAVITY, headingOf, levelled, type MotionReading, StillHold } from "../src/input/phone_calibration";
import { SampleClock } from "../src/input/phone_clock";
import { PhoneBaton, REST_M } from "../src/input/phone_motion";
import { fromAngles, inTracking, inverse, multiply, type Quaternion, rotate, type Vector } from "../src/input/phone_rotation";

/** A repeatable noise of unit spread. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (1664525 * state + 1013904223) % 2 ** 32;
    return (state / 2 ** 32 - 0.5) * Math.sqrt(12);
  };
}

function close(actual: readonly number[], wanted: readonly number[], digits = 6): void {
  actual.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, digits));
}

/** What a resting phone with these angles feels. */
function felt(angles: Vector, sign = 1): Vector {
  const [x, y, z] = rotate(inverse(fromAngles(...angles)), [0, 0, sign * GRAVITY]);
  return [x, y, z];
}

function calibrate(angles: Vector | null, acceleration: Vector, flipped = false): Calibration {
  const hold = new StillHold(flipped);
  for (let i = 0; ; i++) {
    const found = hold.add({ timeS: i / 60, accelerationIncludingGravity: acceleration, angles });
    if (found !== null) return found;
    expect(i).toBeLessThan(400);
  }
}

describe("rotations", () => {
  it("follow the angles of the specification", () => {
    // Lying flat, top to the north: nothing turned. Alpha turns to the left, beta raises the top, gamma the left side.
    close(rotate(fromAngles(0, 0, 0), [0, 1, 0]), [0, 1, 0]);
    close(rotate(fromAngles(90, 0, 0), [0, 1, 0]), [-1, 0, 0]);
    close(rotate(fromAngles(0, 90, 0), [0, 1, 0]), [0, 0, 1]);
    close(rotate(fromAngles(0, 0, 90), [0, 0, 1]), [1, 0, 0]);
    // Intrinsic Z-X'-Y'': alpha last in earth axes.
    const all = fromAngles(40, 30, 20);
    close(all, multiply(fromAngles(40, 0, 0), multiply(fromAngles(0, 30, 0), fromAngles(0, 0, 20))));
  });

  it("bring the holder's direction ahead in the tracking frame", () => {
    for (const alpha of [0, 37, 180, 300]) {
      const device = fromAngles(alpha, 10, 5);
      const top = rotate(inTracking(device, headingOf(device)), [0, 1, 0]);
      expect(top[0]).toBeCloseTo(0, 6);
      expect(top[1]).toBeCloseTo(Math.sin((10 * Math.PI) / 180), 6);
      expect(top[2]).toBeLessThan(-0.98);
    }
  });

  it("level a phone by gravity alone", () => {
    for (const up of [[0, 0, 1], [0.3, 0.5, 0.8], [0, 0.99, 0.1], [-0.6, -0.2, 0.7]] as Vector[]) {
      const n = Math.hypot(...up);
      close(rotate(levelled([up[0] / n, up[1] / n, up[2] / n]), [up[0] / n, up[1] / n, up[2] / n]), [0, 0, 1]);
    }
  });
});

describe("StillHold", () => {
  it("tells the sign of the acceleration, whichever way the browser has it", () => {
    const angles: Vector = [120, 20, -15];
    expect(calibrate(angles, felt(angles)).sign).toBe(1);
    expect(calibrate(angles, felt(angles, -1)).sign).toBe(-1);
    expect(calibrate(null, [0, 0, -GRAVITY], true).sign).toBe(-1);
  });

  it("learns the accelerometer's bias", () => {
    const angles: Vector = [0, 15, 0];
    const [x, y, z] = felt(angles);
    close(calibrate(angles, [x + 0.1, y - 0.2, z + 0.15]).bias, [0.1, -0.2, 0.15], 3);
  });

  it("waits for a hand that moves, but not for ever", () => {
    const random = noise(1);
    const hold = new StillHold(false);
    const shaken = (size: number): Vector => [size * random(), size * random(), GRAVITY + size * random()];
    let timeS = 0;
    for (; timeS < 2; timeS += 1 / 60) expect(hold.add({ timeS, accelerationIncludingGravity: shaken(3), angles: [0, 0, 0] })).toBeNull();
    let still = 0;
    for (; hold.add({ timeS, accelerationIncludingGravity: shaken(0.1), angles: [0, 0, 0] }) === null; timeS += 1 / 60) still += 1;
    expect(still).toBeGreaterThan(50);
    expect(still).toBeLessThan(100);
    const never = new StillHold(false);
    let count = 0;
    for (timeS = 0; never.add({ timeS, accelerationIncludingGravity: shaken(3), angles: [0, 0, 0] }) === null; timeS += 1 / 60) count += 1;
    expect(count / 60).toBeLessThan(8);
  });
});

describe("SampleClock", () => {
  it("gives even times for events that come late by more or less", () => {
    const random = noise(2);
    const clock = new SampleClock();
    const times: number[] = [];
    for (let i = 0; i < 1200; i++) times.push(clock.next(i / 60 + 0.01 + 0.004 * Math.abs(random())));
    const late = times.slice(300).map((time, i) => time - (i + 300) / 60);
    expect(Math.max(...late) - Math.min(...late)).toBeLessThan(0.0035);
    expect(late.every((value) => value > 0.008 && value < 0.016)).toBe(true);
    times.forEach((time, i) => i > 0 && expect(time).toBeGreaterThan(times[i - 1]!));
  });

  it("bridges lost events, and starts anew after a pause or at another rate", () => {
    const clock = new SampleClock();
    let last = 0;
    for (let i = 0; i < 300; i++) if (i % 7 !== 3) last = clock.next(i / 60);
    expect(last).toBeCloseTo(299 / 60, 3);
    for (let i = 0; i < 300; i++) last = clock.next(100 + i / 100);
    expect(last).toBeCloseTo(100 + 299 / 100, 2);
  });
});

describe("PhoneBaton", () => {
  const flat: Calibration = { sign: 1, bias: [0, 0, 0], headingRad: 0, rest: [1, 0, 0, 0] };

  /** Readings of a phone that lies level and is moved by `place`, metres up. */
  function* lifted(place: (timeS: number) => number, untilS: number, extra: Vector = [0, 0, 0]): Generator<MotionReading> {
    const h = 1e-3;
    for (let i = 0; i / 60 < untilS; i++) {
      const t = i / 60;
      const up = (place(t + h) - 2 * place(t) + place(t - h)) / h ** 2;
      yield { timeS: t, accelerationIncludingGravity: [extra[0], extra[1], GRAVITY + up + extra[2]], angles: [0, 0, 0] };
    }
  }

  it("stays where it is at rest, whatever the bias", () => {
    const baton = new PhoneBaton(flat);
    let furthest = 0;
    for (const reading of lifted(() => 0, 30, [0.2, -0.15, 0.1])) {
      const pose = baton.step(reading)!;
      furthest = Math.max(furthest, Math.hypot(pose.positionM[0] - REST_M[0], pose.positionM[1] - REST_M[1], pose.positionM[2] - REST_M[2]));
    }
    expect(furthest).toBeLessThan(0.12);
  });

  it("goes the way of a hand that is lifted and lowered", () => {
    const baton = new PhoneBaton(flat);
    const way = (t: number): number => (t < 2 ? 0 : 0.12 * (1 - Math.cos(2 * Math.PI * 1.5 * (t - 2))));
    const heights: [number, number][] = [];
    for (const reading of lifted(way, 10)) heights.push([reading.timeS, baton.step(reading)!.positionM[1]]);
    const low: number[] = [];
    const size: number[] = [];
    for (let i = 300; i < heights.length - 1; i++) {
      const [a, b, c] = [heights[i - 1]![1], heights[i]![1], heights[i + 1]![1]];
      if (b < a && b <= c) low.push(heights[i]![0] + ((a - c) / (a - 2 * b + c) / 2) / 60);
      if (i > 420) size.push(b);
    }
    for (const time of low) {
      const truth = 2 + Math.round((time - 2) * 1.5) / 1.5;
      expect(Math.abs(time - truth)).toBeLessThan(0.05);
    }
    expect(low.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...size) - Math.min(...size)).toBeGreaterThan(0.19);
    expect(Math.max(...size) - Math.min(...size)).toBeLessThan(0.29);
  });

  it("moves at the end of a stick when the wrist turns", () => {
    const baton = new PhoneBaton(flat);
    let pose = baton.step({ timeS: 0, accelerationIncludingGravity: [0, 0, GRAVITY], angles: [0, 0, 0] })!;
    for (let i = 1; i <= 120; i++) {
      const beta = Math.min(30, i);
      const device: Quaternion = fromAngles(0, beta, 0);
      pose = baton.step({ timeS: i / 60, accelerationIncludingGravity: [...rotate(inverse(device), [0, 0, GRAVITY])] as unknown as Vector, angles: [0, beta, 0] })!;
    }
    expect(pose.positionM[1] - REST_M[1]).toBeCloseTo(0.4 * Math.sin(Math.PI / 6), 2);
    expect(pose.orientation.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 9);
  });

  it("leaves out what is no number or not later, and survives a pause", () => {
    const baton = new PhoneBaton(flat);
    const reading = (timeS: number, z = GRAVITY): MotionReading => ({ timeS, accelerationIncludingGravity: [0, 0, z], angles: [0, 0, 0] });
    expect(baton.step(reading(0))).not.toBeNull();
    expect(baton.step(reading(0))).toBeNull();
    expect(baton.step(reading(0.016, NaN))).toBeNull();
    expect(baton.step(reading(0.016))).not.toBeNull();
    const after = baton.step(reading(5))!;
    expect(after.timeS).toBe(5);
    close(after.positionM, REST_M, 3);
    // Shaken beyond all measure, the hand stays within reach.
    for (let i = 1; i < 600; i++) {
      const pose = baton.step(reading(5 + i / 60, GRAVITY + 40))!;
      expect(Math.hypot(pose.positionM[0] - REST_M[0], pose.positionM[1] - REST_M[1], pose.positionM[2] - REST_M[2])).toBeLessThan(0.95);
    }
  });
});

import { describe, expect, it } from "vitest";
import type { PoseSample } from "../src/generated/protocol";
import { CENTRE_M } from "../src/input/input";
import { sentence } from "../src/input/webcam_sentences";
import { capturedS, reason } from "../src/input/webcam_camera";
import { OneEuroFilter } from "../src/input/webcam_filter";
import { scaleOf } from "../src/input/webcam_geometry";
import type { HandsReading, Landmark, SeenHand } from "../src/input/webcam_hands";
import { HandPoses, type WebcamPoses, type WebcamSettings } from "../src/input/webcam_poses";

const AUTO: WebcamSettings = { hand: "auto", point: "knuckles", mirrored: false };
const ASPECT = 4 / 3;
const FOCAL_HEIGHTS = 1.155;
const DISTANCE_M = 0.8;

/** An open right hand, palm to the camera, fingers up: metres, x right and y down in the picture. */
const SHAPE: readonly Landmark[] = [
  [0, 0.08], [0.028, 0.06], [0.048, 0.035], [0.062, 0.01], [0.074, -0.01],
  [0.024, -0.008], [0.028, -0.042], [0.03, -0.064], [0.032, -0.082],
  [0.002, -0.014], [0.002, -0.054], [0.002, -0.078], [0.002, -0.098],
  [-0.018, -0.008], [-0.022, -0.044], [-0.024, -0.066], [-0.026, -0.086],
  [-0.036, 0.006], [-0.044, -0.02], [-0.05, -0.036], [-0.054, -0.05],
].map(([x, y]) => ({ x: x!, y: y!, z: 0 }));

/** A source of noise that is the same every time (Park and Miller 1988), about normal with deviation 1. */
function noise(seed: number): () => number {
  let state = seed;
  const uniform = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(2) * (uniform() + uniform() + uniform() + uniform() + uniform() + uniform() - 3);
}

/** A hand as a camera sees it that looks at the person from `distance`. `x`, `y`: metres to the person's right, and up. */
function hand(x: number, y: number, more: Partial<{ label: "Left" | "Right"; distance: number; aspect: number; jitter: () => number }> = {}): SeenHand {
  const { label = "Left", distance = DISTANCE_M, aspect = ASPECT, jitter = () => 0 } = more;
  const scale = FOCAL_HEIGHTS / distance;
  // The whole hand is off by about the same, which is what shows in its place.
  const off = { x: jitter(), y: jitter() };
  const mirror = label === "Left" ? 1 : -1;
  const world = SHAPE.map((point) => ({ ...point, x: mirror * point.x }));
  const image = world.map((point) => ({ x: 0.5 + (scale * (point.x - x) + off.x) / aspect, y: 0.5 + scale * (point.y - y) + off.y, z: 0 }));
  return { label, score: 0.95, image, world };
}

function reading(capturedS: number, ...hands: SeenHand[]): HandsReading {
  return { capturedS, aspect: ASPECT, hands };
}

/** Reads `seconds` of a resting hand, so that what follows conducts. Returns when that was done. */
function calibrated(poses: HandPoses, make: (timeS: number) => SeenHand[] = () => [hand(0, 0)], seconds = 2): number {
  let timeS = 100;
  for (; timeS < 100 + seconds; timeS += 1 / 30) poses.read(reading(timeS, ...make(timeS)));
  return timeS;
}

function baton(samples: readonly PoseSample[]): PoseSample {
  return samples.find(({ device }) => device === "baton")!;
}

describe("HandPoses", () => {
  it("says how far the calibration is, and conducts from the middle of where the hand rested", () => {
    const poses = new HandPoses(AUTO);
    const shares: number[] = [];
    for (let i = 0; i < 40; i++) {
      const told = poses.read(reading(100 + i / 30, hand(0.1, -0.05)));
      expect(told.samples).toEqual([]);
      shares.push(told.calibrated);
    }
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(0.7);
    for (let i = 40; i < 60; i++) poses.read(reading(100 + i / 30, hand(0.1, -0.05)));
    const told = poses.read(reading(102, hand(0.1, -0.05)));
    expect(told.calibrated).toBe(1);
    expect(told.conducting).toBe("right");
    baton(told.samples).position_m.forEach((value, axis) => expect(value).toBeCloseTo(CENTRE_M[axis]!, 3));
  });

  it.each([0.5, 0.8, 1.6])("measures in metres, right is right and up is up, at %s m from the camera", (distance) => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses, () => [hand(0, 0, { distance })]);
    let last = baton(poses.read(reading(timeS, hand(0, 0, { distance }))).samples);
    for (let i = 1; i <= 30; i++) last = baton(poses.read(reading((timeS += 1 / 30), hand(0.15, 0.1, { distance }))).samples);
    expect(last.position_m[0] - CENTRE_M[0]).toBeCloseTo(0.15, 2);
    expect(last.position_m[1] - CENTRE_M[1]).toBeCloseTo(0.1, 2);
    expect(last.valid).toBe(true);
  });

  it("sees a step towards the camera as forward", () => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses);
    for (let i = 0; i < 60; i++) poses.read(reading((timeS += 1 / 30), hand(0, 0, { distance: 0.7 })));
    expect(baton(poses.read(reading((timeS += 1 / 30), hand(0, 0, { distance: 0.7 }))).samples).position_m[2]).toBeCloseTo(CENTRE_M[2] - 0.1, 2);
  });

  it("keeps the scale of a hand that is turned away from the camera", () => {
    const plain = hand(0, 0);
    const turned: SeenHand = {
      ...plain,
      image: plain.image.map((point) => ({ ...point, y: 0.5 + 0.4 * (point.y - 0.5) })),
      world: plain.world.map((point) => ({ ...point, y: 0.4 * point.y })),
    };
    expect(scaleOf(plain, ASPECT)).toBeCloseTo(FOCAL_HEIGHTS / DISTANCE_M, 3);
    expect(scaleOf(turned, ASPECT)).toBeCloseTo(FOCAL_HEIGHTS / DISTANCE_M, 3);
  });

  it("keeps the time of the ictus: two millimetres of noise and thirty pictures a second, within 10 ms", () => {
    const poses = new HandPoses(AUTO);
    const jitter = noise(7);
    const rough = (): number => 0.003 * jitter();
    let timeS = calibrated(poses, () => [hand(0, 0.25, { jitter: rough })]);
    const begunS = timeS;
    const periodS = 0.61; // not a whole number of pictures
    // Down and up again in a curve, sideways through the ictus; the lowest points are at whole beats.
    const at = (t: number): [number, number] => [0.12 * Math.sin((Math.PI * t) / periodS), 0.3 * Math.abs(Math.sin((Math.PI * t) / periodS)) ** 1.4];
    const places: { timeS: number; y: number }[] = [];
    for (; timeS < begunS + 40 * periodS; timeS += 1 / 30) {
      const [x, y] = at(timeS - begunS);
      places.push({ timeS, y: baton(poses.read(reading(timeS, hand(x, y, { jitter: rough }))).samples).position_m[1] });
    }
    const errorsMs: number[] = [];
    for (let beat = 2; beat < 39; beat++) {
      const near = places.filter((place) => Math.abs(place.timeS - begunS - beat * periodS) < 0.2);
      const lowest = near.indexOf(near.reduce((a, b) => (b.y < a.y ? b : a)));
      const [before, here, after] = [near[lowest - 1]!, near[lowest]!, near[lowest + 1]!];
      const vertex = (0.5 * (before.y - after.y)) / (before.y - 2 * here.y + after.y);
      errorsMs.push(1000 * (here.timeS + vertex / 30 - begunS - beat * periodS));
    }
    const mean = errorsMs.reduce((a, b) => a + b) / errorsMs.length;
    expect(Math.abs(mean)).toBeLessThan(10);
    expect(Math.max(...errorsMs.map((error) => Math.abs(error - mean)))).toBeLessThan(10);
  });

  it("rests when the hand rests: noise over 15 mm becomes less than 10 mm", () => {
    const poses = new HandPoses(AUTO);
    const jitter = noise(3);
    const make = (): SeenHand => hand(0, 0, { jitter: () => 0.004 * jitter() });
    let timeS = calibrated(poses, () => [make()]);
    const heights: number[] = [];
    for (let i = 0; i < 300; i++) heights.push(baton(poses.read(reading((timeS += 1 / 30), make())).samples).position_m[1]);
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(0.01);
  });

  it("gives the baton to the hand that beats, and the other to the left hand", () => {
    const poses = new HandPoses(AUTO);
    const beating = (timeS: number): SeenHand[] => [hand(0.25, 0, { label: "Left" }), hand(-0.25, 0.1 * Math.sin(8 * timeS), { label: "Right" })];
    const timeS = calibrated(poses, beating);
    const told = poses.read(reading(timeS, ...beating(timeS)));
    expect(told.conducting).toBe("left");
    expect(told.batonHand).toBe(1);
    const other = told.samples.find(({ device }) => device === "left")!;
    expect(other.position_m[0] - baton(told.samples).position_m[0]).toBeCloseTo(0.5, 1);
  });

  it("goes by what a hand alone was called most of the time", () => {
    const poses = new HandPoses(AUTO);
    // A slow machine: between two pictures the hand is elsewhere, and its name is wrong now and then.
    let told = poses.read(reading(100, hand(0, 0)));
    for (let i = 1; i < 9; i++) told = poses.read(reading(100 + 0.7 * i, hand(0.4 * (i % 2), 0, { label: i % 4 === 1 ? "Right" : "Left" })));
    expect(told.conducting).toBe("right");
    expect(told.samples).toHaveLength(1);
  });

  it("keeps to the chosen hand", () => {
    const poses = new HandPoses({ ...AUTO, hand: "left" });
    let timeS = calibrated(poses, () => [hand(0.2, 0)]);
    expect(poses.read(reading(timeS, hand(0.2, 0))).conducting).toBeNull();
    for (; timeS < 105; timeS += 1 / 30) poses.read(reading(timeS, hand(0.2, 0), hand(-0.2, 0, { label: "Right" })));
    expect(poses.read(reading(timeS, hand(0.2, 0), hand(-0.2, 0, { label: "Right" }))).conducting).toBe("left");
  });

  it("is not confused when the detector calls a hand by the other's name for a while", () => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses, () => [hand(0.2, 0), hand(-0.2, 0, { label: "Right" })]);
    for (let i = 0; i < 20; i++) {
      const wrong: SeenHand = { ...hand(0.2, 0), label: i % 2 === 0 ? "Right" : "Left" };
      const told = poses.read(reading((timeS += 1 / 30), hand(-0.2, 0, { label: "Right" }), wrong));
      expect(told.batonHand).toBe(1);
    }
  });

  it("tells that the hand is lost at its last place, and takes it up again elsewhere", () => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses);
    const there = baton(poses.read(reading((timeS += 1 / 30), hand(0, 0))).samples);
    for (let i = 0; i < 60; i++) {
      const told = poses.read(reading((timeS += 1 / 30)));
      expect(told.batonHand).toBeNull();
      expect(baton(told.samples)).toMatchObject({ valid: false, position_m: there.position_m });
    }
    const back = baton(poses.read(reading((timeS += 1 / 30), hand(0.2, 0.1))).samples);
    expect(back.valid).toBe(true);
    expect(back.position_m[0] - CENTRE_M[0]).toBeCloseTo(0.2, 2);
  });

  it("takes a hand that was alone all the time for the same one after a leap, whatever it is called there", () => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses, () => [hand(0.2, 0)]);
    for (let i = 0; i < 20; i++) {
      const told = poses.read(reading((timeS += 0.3), hand(i % 2 === 0 ? -0.4 : 0.2, 0, { label: i % 3 === 0 ? "Right" : "Left" })));
      expect(told.conducting).toBe("right");
      expect(told.batonHand).toBe(0);
    }
  });

  it("lets the other hand take the baton only after the first has been away", () => {
    const poses = new HandPoses(AUTO);
    let timeS = calibrated(poses, () => [hand(0.2, 0), hand(-0.3, 0, { label: "Right" })]);
    const others: (string | null)[] = [];
    for (let i = 0; i < 60; i++) others.push(poses.read(reading((timeS += 1 / 30), hand(-0.3, 0, { label: "Right" }))).conducting);
    expect(others[20]).toBe("right");
    expect(others.at(-1)).toBe("left");
  });

  it("takes a mirrored picture as what it is", () => {
    const poses = new HandPoses({ ...AUTO, mirrored: true });
    const mirror = (seen: SeenHand): SeenHand => ({
      label: seen.label === "Left" ? "Right" : "Left",
      score: 1,
      image: seen.image.map((point) => ({ ...point, x: 1 - point.x })),
      world: seen.world.map((point) => ({ ...point, x: -point.x })),
    });
    let timeS = calibrated(poses, () => [mirror(hand(0, 0))]);
    let told = poses.read(reading(timeS, mirror(hand(0, 0))));
    expect(told.conducting).toBe("right");
    for (let i = 0; i < 30; i++) told = poses.read(reading((timeS += 1 / 30), mirror(hand(0.1, 0))));
    expect(baton(told.samples).position_m[0] - CENTRE_M[0]).toBeCloseTo(0.1, 2);
  });

  it("points along the left hand: forward when its fingers point to the camera", () => {
    const poses = new HandPoses(AUTO);
    const left = hand(-0.3, 0, { label: "Right" });
    // Fingers towards the camera, palm down: what was up in the hand's plane is now nearer.
    const pointing: SeenHand = { ...left, image: left.image.map((point) => ({ ...point, y: 0.5 })), world: left.world.map(({ x, y }) => ({ x, y: 0, z: y })) };
    let timeS = calibrated(poses, () => [hand(0, 0), pointing]);
    const sample = poses.read(reading((timeS += 1 / 30), hand(0, 0), pointing)).samples.find(({ device }) => device === "left")!;
    const [w, x, y, z] = sample.orientation_wxyz!;
    const forward = [-2 * (x * z + w * y), -2 * (y * z - w * x), -(1 - 2 * (x * x + y * y))];
    expect(forward[2]).toBeLessThan(-0.95);
    expect(w * w + x * x + y * y + z * z).toBeCloseTo(1, 6);
  });

  it("takes no harm from pictures without hands, out of order, or of a hand without size", () => {
    const poses = new HandPoses(AUTO);
    expect(poses.read(reading(1)).samples).toEqual([]);
    const point: SeenHand = { ...hand(0, 0), world: SHAPE.map(() => ({ x: 0, y: 0, z: 0 })) };
    for (let i = 0; i < 90; i++) expect(poses.read(reading(2 + i / 30, point)).samples).toEqual([]);
    const timeS = calibrated(poses);
    expect(poses.read(reading(timeS - 1, hand(0.3, 0))).samples).toEqual([]);
  });
});

describe("OneEuroFilter", () => {
  it("does not lag behind a fast hand, and forgets after a gap", () => {
    const filter = new OneEuroFilter(3, 14);
    let at = 0;
    for (let i = 0; i < 30; i++) at = filter.next([0, i / 30, 0], i / 30)[1];
    expect(29 / 30 - at).toBeLessThan(0.02); // 20 ms at 1 m/s
    expect(filter.next([0, 5, 0], 4)[1]).toBe(5);
  });
});

describe("capturedS", () => {
  it("is the camera's own time where that is believable, else when the picture was ready", () => {
    expect(capturedS(1000, { captureTime: 940, presentationTime: 990 }, 5000)).toBe(5.94);
    expect(capturedS(1000, { presentationTime: 990 }, 5000)).toBe(5.99);
    expect(capturedS(1000, { captureTime: 1200, presentationTime: 990 }, 5000)).toBe(5.99);
    expect(capturedS(1000, { captureTime: 10, presentationTime: 1016 }, 5000)).toBe(6);
  });
});

describe("words", () => {
  it("says what to do for every way in which a camera does not open", () => {
    for (const name of ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "AbortError", "Surprise"]) expect(reason(name)).toMatch(/: .*(try again|choose)/);
  });

  it("says when the hand is lost", () => {
    const told: WebcamPoses = { samples: [], calibrated: 1, conducting: "right", batonHand: null };
    expect(sentence(told, 0.2, 30, AUTO)).toBe("Your right hand conducts.");
    expect(sentence(told, 0.2, 4, AUTO)).toMatch(/^Your right hand conducts\. .*slow/);
    expect(sentence(told, 1, 30, AUTO)).toMatch(/^Hand lost/);
    expect(sentence({ ...told, conducting: null, calibrated: 0 }, 1, 30, { ...AUTO, hand: "left" })).toMatch(/left hand up/);
  });
});

import { describe, expect, it } from "vitest";
import type { Quat, Vec3 } from "../src/input/input";
import { batonPose, ConductingHands, freePose, looking } from "../src/xr/conducting_hands";
import { Pointers } from "../src/xr/pointers";
import { type HeadsetReading, JOINTS, type RigidPose, type Side, type TrackedHand } from "../src/xr/reading";
import { PLAIN, storedSettings, storeSettings } from "../src/xr/settings";
import { headingRad, PODIUM_SPOT, STALLS_SPOT, Standing } from "../src/xr/standing";

const AHEAD: Quat = [1, 0, 0, 0];
const yaw = (rad: number): Quat => [Math.cos(rad / 2), 0, Math.sin(rad / 2), 0];

function turn([w, x, y, z]: Quat, [vx, vy, vz]: Vec3): Vec3 {
  const [tx, ty, tz] = [2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)];
  return [vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx];
}

/** A pose of the room as WebXR gives it in a space whose origin lies at `origin`. */
function through(origin: RigidPose, { positionM, orientation }: RigidPose): RigidPose {
  const [w, x, y, z] = origin.orientation;
  const back: Quat = [w, -x, -y, -z];
  const [a, b] = [back, orientation];
  return {
    positionM: turn(back, [positionM[0] - origin.positionM[0], positionM[1] - origin.positionM[1], positionM[2] - origin.positionM[2]]),
    orientation: [a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2], a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]],
  };
}

function controller(side: Side, positionM: Vec3, pressed: Partial<TrackedHand> = {}): TrackedHand {
  return { side, grip: { positionM, orientation: AHEAD }, aim: { positionM, orientation: AHEAD }, joints: null, radii: null, select: false, grab: false, stick: [0, 0], stickPressed: false, lowerButton: false, upperButton: false, ...pressed };
}

/** A flat hand at a place, fingers ahead, palm down: joints in rows of a centimetre. */
function bareHand(side: Side, [x, y, z]: Vec3, pressed: Partial<TrackedHand> = {}): TrackedHand {
  const joints = new Float32Array(JOINTS * 16);
  for (let i = 0; i < JOINTS; i++) {
    joints.set([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], i * 16);
    const finger = i === 0 ? 2 : i < 5 ? 0 : Math.floor((i - 5) / 5) + 1;
    const along = i === 0 ? 0 : i < 5 ? i : 1 + ((i - 5) % 5);
    joints.set([x + 0.02 * (finger - 2), y, z - 0.03 * along, 1], i * 16 + 12);
  }
  return { ...controller(side, [x, y, z], pressed), joints, radii: new Float32Array(JOINTS).fill(0.008) };
}

function reading(timeS: number, hands: Partial<Record<Side, TrackedHand>>, head: RigidPose | null = { positionM: [0, 1.6, 0], orientation: AHEAD }): HeadsetReading {
  return { timeS, head, hands: { left: hands.left ?? null, right: hands.right ?? null }, attended: true };
}

describe("Standing", () => {
  const room: RigidPose = { positionM: [1.2, 1.7, -0.4], orientation: yaw(2.1) };

  it("puts the wearer on the podium, facing the orchestra, wherever they stand and look", () => {
    for (const heading of [-3, -1.2, 0, 0.4, 2.6]) {
      const standing = new Standing();
      const head = { ...room, orientation: yaw(heading) };
      standing.recenter(head, PODIUM_SPOT, true, false);
      const seen = through(standing.origin, head);
      expect(seen.positionM.map((value) => Math.round(1e6 * value) + 0)).toEqual([0, 1.7e6, 0]);
      expect(headingRad(seen.orientation)).toBeCloseTo(0, 6);
      // And again from there: nothing changes.
      standing.recenter(seen, PODIUM_SPOT, true, false);
      expect(through(standing.origin, head).positionM[0]).toBeCloseTo(0, 6);
    }
  });

  it("raises who sits, knows no floor in a local space, and seats listeners in the stalls", () => {
    const standing = new Standing();
    const sitting: RigidPose = { positionM: [0, 1.15, 0], orientation: AHEAD };
    standing.recenter(sitting, PODIUM_SPOT, true, true);
    expect(through(standing.origin, sitting).positionM[1]).toBeCloseTo(1.62);
    const tall = { ...sitting, positionM: [0, 1.8, 0] as Vec3 };
    const other = new Standing();
    other.recenter(tall, PODIUM_SPOT, true, true);
    expect(through(other.origin, tall).positionM[1]).toBeCloseTo(1.8);
    const eyes: RigidPose = { positionM: [0, 0, 0], orientation: AHEAD };
    const floorless = new Standing();
    floorless.recenter(eyes, PODIUM_SPOT, false, false);
    expect(through(floorless.origin, eyes).positionM[1]).toBeCloseTo(1.62);
    floorless.recenter(eyes, STALLS_SPOT, false, false);
    expect(through(new Standing().origin, eyes).positionM).toEqual([0, 0, 0].map((zero) => expect.closeTo(zero)));
  });

  it("turns the wearer in place, to the left for positive angles", () => {
    const standing = new Standing();
    standing.recenter(room, PODIUM_SPOT, true, false);
    standing.turn(through(standing.origin, room), Math.PI / 6);
    const seen = through(standing.origin, room);
    expect(headingRad(seen.orientation)).toBeCloseTo(Math.PI / 6, 6);
    expect(Math.hypot(seen.positionM[0], seen.positionM[2])).toBeCloseTo(0, 6);
    expect(seen.positionM[1]).toBeCloseTo(1.7, 6);
  });

  it("knows where a head faces that looks down or up", () => {
    const down: Quat = [Math.SQRT1_2, -Math.SQRT1_2, 0, 0];
    expect(headingRad(down)).toBeCloseTo(0, 6);
    expect(headingRad([down[0], -down[1], 0, 0])).toBeCloseTo(0, 6);
  });
});

describe("ConductingHands", () => {
  it("tells each device's loss once, at its last place", () => {
    const hands = new ConductingHands("right");
    const both = { right: controller("right", [0.2, 1.2, -0.4]), left: controller("left", [-0.2, 1, -0.3]) };
    expect(hands.step(reading(1, both)).map(({ device, valid }) => `${device} ${valid}`)).toEqual(["baton true", "left true", "head true"]);
    const lost = hands.step(reading(2, { left: both.left }));
    expect(lost.map(({ device, valid }) => `${device} ${valid}`)).toEqual(["baton false", "left true", "head true"]);
    expect(lost[0]!.position_m).toEqual([0.2, 1.2, -0.4]);
    expect(hands.step(reading(3, { left: both.left })).map(({ device }) => device)).toEqual(["left", "head"]);
    expect(hands.step(reading(3, both))).toEqual([]); // the same picture again
    expect(hands.lose(4).map(({ device }) => device)).toEqual(["left"]);
    expect(hands.lose(5)).toEqual([]);
    expect(hands.step(reading(6, both, null)).every(({ valid }) => valid)).toBe(true);
  });

  it("gives the baton to the hand that presses at the stick, and only there", () => {
    const hands = new ConductingHands("right");
    const right = controller("right", [0.2, 1.2, -0.4]);
    hands.step(reading(1, { right, left: controller("left", [-0.3, 1.2, -0.4]) }));
    hands.step(reading(2, { right, left: controller("left", [-0.3, 1.2, -0.4], { select: true }) }));
    expect(hands.batonSide).toBe("right");
    // Held down it may come to the stick: only a press there takes it.
    hands.step(reading(3, { right, left: controller("left", [0.2, 1.25, -0.6], { select: true }) }));
    expect(hands.batonSide).toBe("right");
    hands.step(reading(4, { right, left: controller("left", [0.2, 1.25, -0.6]) }));
    const taken = hands.step(reading(5, { right, left: controller("left", [0.2, 1.25, -0.6], { select: true }) }));
    expect(hands.batonSide).toBe("left");
    expect(taken.slice(0, 2).every(({ valid }) => !valid)).toBe(true);
    expect(taken.find(({ device, valid }) => device === "baton" && valid)!.position_m).toEqual([0.2, 1.25, -0.6]);
  });

  it("holds the stick between thumb and index, pointing out of the hand", () => {
    const hand = bareHand("right", [0.3, 1.2, -0.3]);
    const { positionM, orientation } = batonPose(hand);
    const [x, y, z] = turn(orientation, [0, 0, -1]);
    expect(positionM[2]).toBeLessThan(-0.4);
    expect(Math.hypot(x, y, z)).toBeCloseTo(1, 6);
    expect(z).toBeLessThan(-0.8);
    expect(turn(orientation, [0, 1, 0])[1]).toBeGreaterThan(0.9);
    expect(turn(freePose(hand).orientation, [0, 0, -1])[2]).toBeCloseTo(-1, 1);
  });

  it("finds the orientation of any direction", () => {
    for (const to of [[1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1], [0.3, -0.9, 0.2], [0.5, 0.5, 0.7]] as Vec3[]) {
      const length = Math.hypot(...to);
      const found = turn(looking([0, 0, 0], to, [0, 1, 0]), [0, 0, -1]);
      found.forEach((value, axis) => expect(value).toBeCloseTo(to[axis]! / length, 6));
    }
  });
});

describe("Pointers", () => {
  it("gives rays in the hall's frame, and the head's", () => {
    const pointers = new Pointers();
    const [ray] = pointers.step(reading(1, { right: controller("right", [0.2, 1.2, -0.4], { select: true }) }), null, false);
    expect(ray).toMatchObject({ hand: "right", origin_m: [0.2, 0.4, 1.44], select: true, valid: true, menu: false });
    expect(ray!.direction.map((value) => value + 0)).toEqual([0, 1, 0]);
    expect(pointers.look.eye[2]).toBeCloseTo(1.84);
  });

  it("lets hands mean the music while it plays, but for a press, and tells their end", () => {
    const pointers = new Pointers();
    const at: Vec3 = [0.2, 1.2, -0.4];
    expect(pointers.step(reading(1, { left: controller("left", at) }), "right", true)).toEqual([]);
    expect(pointers.step(reading(2, { left: controller("left", at, { upperButton: true }) }), "right", true)).toMatchObject([{ menu: true, valid: true }]);
    expect(pointers.step(reading(3, { left: controller("left", at) }), "right", true)).toMatchObject([{ menu: false, valid: true }]);
    expect(pointers.step(reading(4, { left: controller("left", at) }), "right", true)).toMatchObject([{ valid: false }]);
    expect(pointers.step(reading(5, { left: controller("left", at) }), "right", true)).toEqual([]);
  });

  it("takes no pinch of the hand that holds the stick, and a pinch before the face for the menu", () => {
    const pointers = new Pointers();
    const pinching = bareHand("right", [0.2, 1.2, -0.4], { select: true });
    expect(pointers.step(reading(1, { right: pinching }), "right", true)).toEqual([]);
    expect(pointers.step(reading(2, { right: pinching }), "right", false)).toMatchObject([{ select: false }]);
    // Above the eyes a palm that looks down looks at them.
    const raised = bareHand("left", [0, 2.2, -0.05], { select: true });
    expect(pointers.step(reading(3, { left: raised }), "right", false)).toMatchObject([{ hand: "left", menu: true, select: false }, { hand: "right", valid: false }]);
  });
});

describe("headset settings", () => {
  it("are kept, and nonsense is not believed", () => {
    const kept = new Map<string, string>();
    const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
    expect(storedSettings(store)).toEqual(PLAIN);
    storeSettings(store, { batonSide: "left", seated: true, feel: true });
    expect(storedSettings(store)).toEqual({ batonSide: "left", seated: true, feel: true });
    kept.set("tutti.headset", "{nonsense");
    expect(storedSettings(store)).toEqual(PLAIN);
    kept.set("tutti.headset", '{"batonSide": "third", "seated": 1}');
    expect(storedSettings(store)).toEqual(PLAIN);
  });
});

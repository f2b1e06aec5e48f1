import { describe, expect, it } from "vitest";
import type { PoseSample, TapSample } from "../src/generated/protocol";
import { Chooser } from "../src/input/chooser";
import { plainName } from "../src/input/gamepad";
import { StickBaton } from "../src/input/gamepad_stick";
import { CENTRE_M, type GestureInput, type GestureSink, type InputKind, poseSample, REACH_M } from "../src/input/input";
import { strengthOf, TapCounter } from "../src/input/tap";

describe("TapCounter", () => {
  it("counts, tells the tempo of the last taps, and begins anew after a pause", () => {
    const counter = new TapCounter();
    expect(counter.add(10)).toEqual({ taps: 1, bpm: NaN });
    expect(counter.add(10.5).bpm).toBeCloseTo(120);
    for (let i = 1; i <= 6; i++) counter.add(10.5 + i);
    expect(counter.add(17.5)).toEqual({ taps: 9, bpm: 60 });
    expect(counter.add(22)).toEqual({ taps: 1, bpm: NaN });
  });

  it("takes pressure for strength only where it was measured", () => {
    expect(strengthOf({ pointerType: "touch", pressure: 0.83 })).toBe(0.83);
    expect(strengthOf({ pointerType: "touch", pressure: 1 })).toBe(0.5);
    expect(strengthOf({ pointerType: "pen", pressure: 0.2 })).toBe(0.2);
    expect(strengthOf({ pointerType: "mouse", pressure: 0.5 })).toBe(0.5);
    expect(strengthOf({ pointerType: "touch", pressure: 0 })).toBe(0.5);
  });
});

describe("StickBaton", () => {
  it("rests in the middle, however worn the stick, and knows nothing of broken axes", () => {
    const stick = new StickBaton();
    expect(stick.place([0, 0, 0, 0])).toEqual(CENTRE_M);
    expect(stick.place([0, 0, 0.05, -0.05])).toEqual(CENTRE_M);
    expect(stick.place([])).toEqual(CENTRE_M);
    expect(stick.place([NaN, Infinity, NaN, NaN])).toEqual(CENTRE_M);
  });

  it("reaches the same height with sticks of different reach; up is up", () => {
    for (const rim of [0.86, 1, 1.08]) {
      const stick = new StickBaton();
      stick.place([0, 0, 0, -rim]);
      const [x, y] = stick.place([0, 0, 0, -rim]);
      expect(x).toBeCloseTo(CENTRE_M[0]);
      expect(y - CENTRE_M[1]).toBeCloseTo(REACH_M, 6);
    }
  });

  it("draws a circle as a circle", () => {
    const stick = new StickBaton();
    const radii: number[] = [];
    for (let i = 0; i < 64; i++) {
      const [x, y] = stick.place([0, 0, 0.7 * Math.cos(i / 10), 0.7 * Math.sin(i / 10)]);
      radii.push(Math.hypot(x - CENTRE_M[0], y - CENTRE_M[1]));
    }
    expect(Math.max(...radii) - Math.min(...radii)).toBeLessThan(1e-9);
  });

  it("goes over to the other stick when that one alone is moved", () => {
    const stick = new StickBaton();
    stick.place([0.9, 0, 0.9, 0]);
    expect(stick.conducting).toBe(1);
    stick.place([0.9, 0, 0, 0]);
    expect(stick.conducting).toBe(0);
    stick.place([0.02, 0, 0.3, 0]);
    expect(stick.conducting).toBe(0);
  });

  it("is named without programmers' numbers", () => {
    expect(plainName("Xbox Wireless Controller (STANDARD GAMEPAD Vendor: 045e Product: 0b13)")).toBe("Xbox Wireless Controller");
    expect(plainName("045e-028e-Microsoft X-Box 360 pad")).toBe("Microsoft X-Box 360 pad");
    expect(plainName("  ")).toBe("Gamepad");
  });
});

class Input implements GestureInput {
  readonly panel = {} as HTMLElement;
  readonly log: string[] = [];
  constructor(readonly sink: GestureSink) {}
  start(): void {
    this.log.push("start");
  }
  stop(): void {
    this.log.push("stop");
  }
}

function bench(stored: string | null = null) {
  const inputs = new Map<InputKind, Input>();
  const sent: PoseSample[] = [];
  const tapped: TapSample[] = [];
  const shown: string[] = [];
  const kept = new Map<string, string>(stored === null ? [] : [["tutti.input", stored]]);
  let fail = false;
  const make = (kind: InputKind) => async (sink: GestureSink): Promise<GestureInput> => {
    if (fail) throw new Error("line lost");
    const input = new Input(sink);
    inputs.set(kind, input);
    return input;
  };
  const chooser = new Chooser(
    {
      make: { tap: make("tap"), webcam: make("webcam"), gamepad: make("gamepad") },
      sink: { poses: (samples) => sent.push(...samples), taps: (samples) => tapped.push(...samples) },
      store: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      changed: (kind, panel) => shown.push(`${kind}${panel === null ? "" : " panel"}`),
      failed: (kind) => shown.push(`${kind} failed`),
    },
    ["pad", "tap", "webcam", "gamepad"],
  );
  return { chooser, inputs, sent, tapped, shown, kept, break: () => (fail = true), mend: () => (fail = false) };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const beat = (client_s: number): PoseSample => poseSample(client_s, "baton", [0.1, 1.2, -0.4], null, true);

describe("Chooser", () => {
  it("remembers the choice, and forgets what is no choice any more", () => {
    expect(bench().chooser.current).toBe("pad");
    expect(bench("gamepad").chooser.current).toBe("gamepad");
    expect(bench("theremin").chooser.current).toBe("pad");
    expect(bench("phone").chooser.current).toBe("pad");
    const { chooser, kept } = bench();
    chooser.choose("tap");
    expect(kept.get("tutti.input")).toBe("tap");
  });

  it("opens no device by itself: only when it is chosen, or the baton comes", async () => {
    const { chooser, inputs } = bench("webcam");
    await settled();
    expect(inputs.size).toBe(0);
    chooser.hold(true);
    await settled();
    expect(inputs.get("webcam")!.log).toEqual(["start"]);
    chooser.hold(false);
    expect(inputs.get("webcam")!.log).toEqual(["start", "stop"]);
    chooser.hold(true);
    await settled();
    expect(inputs.get("webcam")!.log).toEqual(["start", "stop", "start"]);
  });

  it("sends nothing without the baton", async () => {
    const { chooser, inputs, sent, tapped } = bench();
    chooser.choose("webcam");
    await settled();
    inputs.get("webcam")!.sink.poses([beat(1)]);
    chooser.choose("tap");
    await settled();
    inputs.get("tap")!.sink.taps([{ client_s: 1, strength: 0.5 }]);
    expect(sent).toEqual([]);
    expect(tapped).toEqual([]);
    chooser.hold(true);
    inputs.get("tap")!.sink.taps([{ client_s: 2, strength: 0.5 }]);
    expect(tapped).toHaveLength(1);
  });

  it("changes in the middle of a piece: the old baton is lost, then only the new one is heard", async () => {
    const { chooser, inputs, sent } = bench();
    chooser.hold(true);
    chooser.choose("webcam");
    await settled();
    const webcam = inputs.get("webcam")!;
    webcam.sink.poses([beat(1), poseSample(1, "left", [-0.3, 1.1, -0.4], [1, 0, 0, 0], true)]);
    chooser.choose("gamepad");
    await settled();
    expect(webcam.log).toEqual(["start", "stop"]);
    expect(sent.slice(2)).toEqual([
      { ...beat(1), valid: false },
      { ...poseSample(1, "left", [-0.3, 1.1, -0.4], null, false) },
    ]);
    webcam.sink.poses([beat(2)]); // a picture that was still on its way
    inputs.get("gamepad")!.sink.poses([beat(3)]);
    expect(sent.slice(4)).toEqual([beat(3)]);
  });

  it("does not start an input that is ready after another was chosen", async () => {
    const { chooser, inputs, shown } = bench();
    chooser.choose("webcam");
    chooser.choose("tap");
    await settled();
    expect(inputs.get("webcam")!.log).toEqual([]);
    expect(inputs.get("tap")!.log).toEqual(["start"]);
    expect(shown).toEqual(["webcam", "tap", "tap panel"]);
  });

  it("tries again after an input could not be loaded", async () => {
    const setting = bench();
    setting.break();
    setting.chooser.choose("webcam");
    await settled();
    expect(setting.shown.at(-1)).toBe("webcam failed");
    setting.mend();
    setting.chooser.choose("webcam");
    await settled();
    expect(setting.inputs.get("webcam")!.log).toEqual(["start"]);
  });
});

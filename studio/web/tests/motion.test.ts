import { Vector3 } from "three";
import { describe, expect, it } from "vitest";
import type { NoteOn, PlayerInfo } from "../src/generated/protocol";
import { appearanceOf, chance } from "../src/scene/appearance";
import { PartLine, restingGesture } from "../src/scene/gesture";
import { PoseTrack } from "../src/scene/poses";
import { PoseBlend, Rig } from "../src/scene/rig";

function note(note_id: number, onset_s: number, duration_s: number, more: Partial<NoteOn> = {}): NoteOn {
  return { kind: "NoteOn", note_id, part: 0, pitch: 60, velocity: 80, onset_s, duration_s, quarter: 0, articulation: "sustain", ai: false, ...more };
}

describe("PartLine", () => {
  it("alternates bow strokes and never leaves the bow", () => {
    const line = new PartLine();
    for (let i = 0; i < 40; i++) line.add(note(i, i * 0.5, 0.45 + (i % 7) * 0.3));
    const seen: number[] = [];
    for (let t = 0; t < 20; t += 0.01) seen.push(line.at(t, restingGesture()).bow);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seen)).toBeLessThanOrEqual(1);
    const turns = seen.filter((value, i) => i > 1 && (value - seen[i - 1]!) * (seen[i - 1]! - seen[i - 2]!) < 0).length;
    expect(turns).toBeGreaterThan(20);
  });

  it("breathes before an entry, strikes at the onset, rests after the end", () => {
    const line = new PartLine();
    line.add(note(1, 5, 1));
    const at = (t: number) => ({ ...line.at(t, restingGesture()) });
    expect(at(3)).toMatchObject({ breath: 0, rest: 1, level: 0 });
    expect(at(4.78).breath).toBeGreaterThan(0.9);
    expect(at(4.93).strike).toBeGreaterThan(0.9);
    expect(at(5).strike).toBeCloseTo(-1);
    expect(at(5.3)).toMatchObject({ rest: 0, breath: 0 });
    expect(at(5.3).level).toBeGreaterThan(0.4);
    expect(at(5.1).entry).toBeGreaterThan(0.8);
    expect(at(7.5).rest).toBe(1);
  });

  it("ends a note where its release says", () => {
    const line = new PartLine();
    line.add(note(1, 0, 10));
    line.release({ kind: "NoteOff", note_id: 1, time_s: 2 });
    expect(line.at(4, restingGesture()).rest).toBe(1);
  });

  it("takes a chord as one stroke", () => {
    const line = new PartLine();
    for (let i = 0; i < 4; i++) line.add(note(i, 1 + i * 0.005, 1));
    line.add(note(9, 2, 1));
    expect(line.at(1.5, restingGesture()).hand).toBe(-line.at(2.5, restingGesture()).hand);
  });
});

const rig = new Rig(
  new Map([
    ["body", new Vector3(0, 1, 0)],
    ["arm_R", new Vector3(0.2, 1.4, 0)],
    ["fore_R", new Vector3(0.2, 1.1, 0)],
    ["hair", new Vector3(0, 1.6, 0)],
    ["hair_b", new Vector3(0, 1.6, 0)],
    ["stand", new Vector3(0, 0, -0.5)],
  ]),
  new Map([["arm_R", "body"], ["fore_R", "arm_R"], ["hair", "body"], ["hair_b", "body"]]),
  {
    stance: "seated",
    kind: "bow",
    joints: {},
    parents: {},
    // A quarter turn about the hall's +X: forearm from hanging to pointing forwards.
    poses: { bow_0: { fore_R: { q: [Math.SQRT1_2, Math.SQRT1_2, 0, 0] } } },
  },
);

describe("PoseBlend", () => {
  const at = (out: Float32Array, joint: number, p: Vector3): Vector3 => {
    const row = (r: number): number => out[joint * 12 + r * 4]! * p.x + out[joint * 12 + r * 4 + 1]! * p.y + out[joint * 12 + r * 4 + 2]! * p.z + out[joint * 12 + r * 4 + 3]!;
    return new Vector3(row(0), row(1), row(2));
  };

  it("leaves the rest pose alone", () => {
    const blend = new PoseBlend();
    const out = new Float32Array(24 * 12);
    blend.begin(rig);
    blend.write(out, 0, 0);
    const p = new Vector3(0.3, 0.7, -0.2);
    for (let j = 0; j < rig.joints.length; j++) expect(at(out, j, p).distanceTo(p)).toBeLessThan(1e-6);
  });

  it("turns a part about its joint, in the world's axes", () => {
    const blend = new PoseBlend();
    const out = new Float32Array(24 * 12);
    blend.begin(rig);
    blend.add("bow_0", 1);
    blend.write(out, 0, 0);
    // The hall's +Y is the world's −Z: a point below the elbow comes to lie … a quarter turn about X away.
    const hand = at(out, rig.index("fore_R"), new Vector3(0.2, 0.8, 0));
    expect(hand.distanceTo(new Vector3(0.2, 1.1, -0.3))).toBeLessThan(1e-6);
  });

  it("leaves hidden parts out", () => {
    const blend = new PoseBlend();
    const out = new Float32Array(24 * 12).fill(7);
    blend.begin(rig);
    blend.write(out, 0, 1 << rig.index("stand"));
    expect(out.slice(rig.index("stand") * 12, rig.index("stand") * 12 + 12).every((value) => value === 0)).toBe(true);
  });
});

describe("appearance", () => {
  const player = (id: number): PlayerInfo => ({ player: id, part: 0, section: "", instrument: "violin", model: "violin", stance: "seated", position_m: [0, 3, 0], heading_deg: 180, desk: 0, gain_db: 0, muted: false });

  it("is the same each time and differs between players", () => {
    expect(appearanceOf(player(3), rig, false)).toEqual(appearanceOf(player(3), rig, false));
    const looks = new Set(Array.from({ length: 60 }, (_, id) => JSON.stringify(appearanceOf(player(id), rig, false))));
    expect(looks.size).toBe(60);
  });

  it("shows one head of hair, and one stand a desk", () => {
    for (let id = 0; id < 40; id++) {
      const { hidden } = appearanceOf(player(id), rig, true);
      const shown = ["hair", "hair_b"].filter((name) => !((hidden >> rig.index(name)) & 1));
      expect(shown.length).toBe(1);
      expect((hidden >> rig.index("stand")) & 1).toBe(1);
    }
  });

  it("spreads evenly", () => {
    const values = Array.from({ length: 2000 }, (_, id) => chance(id, 5));
    expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(0.5, 1);
    expect(values.filter((v) => v < 0.1).length).toBeGreaterThan(140);
  });
});

describe("PoseTrack", () => {
  it("reads between samples and lets stale hands go", () => {
    const track = new PoseTrack();
    const pose = (time_s: number, x: number) => ({ time_s, device: "baton" as const, position_m: [x, 1, 0] as [number, number, number], orientation_wxyz: null });
    track.add(pose(1, 0));
    track.add(pose(1.1, 1));
    expect(track.at(1.05)?.positionM[0]).toBeCloseTo(0.5);
    expect(track.at(1.2)?.positionM[0]).toBe(1);
    expect(track.at(3)).toBeNull();
  });
});

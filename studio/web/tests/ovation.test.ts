import { readFileSync } from "node:fs";
import { Vector3 } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { describe, expect, it } from "vitest";
import type { Applause } from "../src/generated/protocol";
import { clappingShare, headsOf } from "../src/scene/clapping";
import { readPlayers } from "../src/scene/models";
import { Ovation, stand } from "../src/scene/ovation";
import { MAX_JOINTS, PoseBlend, type RigFile } from "../src/scene/rig";

const APPLAUSE: Applause = { kind: "Applause", begin_s: 10, end_s: 24, warmth: 0.8 };

describe("applause", () => {
  it("lifts players one after the other and sits them down before the last clap", () => {
    const ovation = new Ovation();
    ovation.begin(APPLAUSE);
    const risen = [0, 0];
    const at: Record<string, number[]> = {};
    for (let tick = 90; tick < 270; tick++) {
      ovation.step(tick / 10);
      for (const player of [0, 1]) risen[player] = ovation.next(risen[player]!, player);
      at[tick] = [...risen];
    }
    expect(at[110]).toEqual([0, 0]);
    expect(at[122]![0]).toBeGreaterThan(0.5);
    expect(at[122]![1]).toBe(0);
    expect(at[200]).toEqual([1, 1]);
    expect(at[265]).toEqual([0, 0]);
    ovation.begin({ ...APPLAUSE, begin_s: 26, end_s: 40 });
    ovation.step(33);
    expect(ovation.next(0, 0)).toBe(1);
    ovation.end();
    ovation.step(35);
    expect(ovation.next(1, 0)).toBe(0);
  });

  it("lets seated models stand on the same floor", async () => {
    const folder = new URL("../../../assets/models/", import.meta.url);
    const bytes = readFileSync(new URL("players.glb", folder));
    const file = JSON.parse(readFileSync(new URL("rig.json", folder), "utf8")) as RigFile;
    const gltf = await new GLTFLoader().parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer, "");
    const { players } = readPlayers(gltf, file);
    for (const name of ["violin", "cello", "horn"]) {
      const { rig, lods } = players.get(name)!;
      const heights = [0, 1].map((risen) => {
        const blend = new PoseBlend();
        blend.begin(rig);
        stand(blend, rig, risen);
        const rows = new Float32Array(MAX_JOINTS * 12);
        blend.write(rows, 0, 0);
        const [position, part] = [lods[0]!.getAttribute("position"), lods[0]!.getAttribute("part")];
        const point = new Vector3();
        const found: Record<string, [number, number]> = {};
        for (let i = 0; i < position.count; i++) {
          point.fromBufferAttribute(position, i);
          const joint = part.getX(i);
          const at = joint * 12 + 4; // the row of heights
          const y = rows[at]! * point.x + rows[at + 1]! * point.y + rows[at + 2]! * point.z + rows[at + 3]!;
          const extent = (found[rig.joints[joint]!.name] ??= [y, y]);
          found[rig.joints[joint]!.name] = [Math.min(extent[0], y), Math.max(extent[1], y)];
        }
        return found;
      });
      const [sits, stands] = heights as [Record<string, [number, number]>, Record<string, [number, number]>];
      expect(stands["head"]![1] - sits["head"]![1]).toBeCloseTo(0.415, 1);
      expect(stands["legs"]![0]).toBeCloseTo(0, 1);
      expect(stands["thighs"]![1]).toBeGreaterThan(0.85);
      expect(stands["chair"]).toEqual(sits["chair"]);
      expect(stands["body"]![0]).toBeLessThan(stands["thighs"]![1]);
    }
    expect(players.get("contrabass")!.rig.index("thighs")).toBe(-1);
  }, 60_000);

  it("finds the heads of a row, and claps more and less", () => {
    const row: number[] = [];
    for (const x of [0, 0.5, 1.1]) for (let i = 0; i < 40; i++) row.push(x + 0.002 * (i % 7), i / 40 + 0.05 * x, -3);
    const heads = headsOf(new Float32Array(row));
    expect(heads.map((head) => Math.round(10 * head.x) / 10)).toEqual([0, 0.5, 1.1]);
    expect(clappingShare(APPLAUSE, 9)).toBe(0);
    expect(clappingShare(APPLAUSE, 10.6)).toBeCloseTo(0.5);
    expect(clappingShare(APPLAUSE, 15)).toBe(1);
    expect(clappingShare(APPLAUSE, 23.5)).toBeCloseTo(0.2);
  });
});

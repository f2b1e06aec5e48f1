import { readFileSync } from "node:fs";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { describe, expect, it } from "vitest";
import { readPlayers, TINT } from "../src/scene/models";
import { MAX_JOINTS, type RigFile } from "../src/scene/rig";

/** The models that ship. Textures are none of `players.glb`'s business, so it loads without a browser. */
async function load() {
  const folder = new URL("../../../assets/models/", import.meta.url);
  const bytes = readFileSync(new URL("players.glb", folder));
  const rig = JSON.parse(readFileSync(new URL("rig.json", folder), "utf8")) as RigFile;
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const gltf = await new GLTFLoader().parseAsync(buffer as ArrayBuffer, "");
  return { ...readPlayers(gltf, rig), rig };
}

describe("players.glb", () => {
  it("gives every model as one mesh a level, with joints for its vertices", async () => {
    const { players, props, rig } = await load();
    expect(props.has("hand_R_baton")).toBe(true);
    expect([...players.keys()]).toEqual(expect.arrayContaining(["violin", "cello", "flute", "horn", "timpani", "conductor"]));
    for (const model of players.values()) {
      expect(model.rig.joints.length).toBeLessThanOrEqual(MAX_JOINTS);
      expect(model.rig.index("body")).toBeGreaterThanOrEqual(0);
      expect(Object.keys(rig.models[model.name]?.joints ?? {}).filter((name) => model.rig.index(name) < 0)).toEqual([]);
      expect(model.rig.poses.has("breath")).toBe(true);
      let before = Infinity;
      for (const lod of model.lods) {
        const triangles = lod.index!.count / 3;
        expect(triangles).toBeGreaterThan(50);
        expect(triangles).toBeLessThan(before);
        before = triangles;
        const part = lod.getAttribute("part");
        const joints = Array.from({ length: part.count }, (_, i) => part.getX(i));
        expect(Math.max(...joints)).toBeLessThan(model.rig.joints.length);
        // Skin is marked, so that it can be tinted.
        expect(Array.from({ length: part.count }, (_, i) => part.getY(i))).toContain(TINT.skin);
        lod.computeBoundingBox();
        // On the floor, and of human size with the instrument.
        expect(lod.boundingBox!.min.y).toBeGreaterThan(-0.05);
        expect(lod.boundingBox!.max.y).toBeGreaterThan(1);
        expect(lod.boundingBox!.max.y).toBeLessThan(2.4);
      }
    }
  });
});

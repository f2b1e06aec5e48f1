import { describe, expect, it } from "vitest";
import { HeldKeys, velocityAt } from "../src/ui/piano";

describe("HeldKeys", () => {
  it("sounds a key as long as anything holds it", () => {
    const held = new HeldKeys();
    expect(held.press("KeyA", 60)).toBe(60);
    expect(held.press("KeyA", 60)).toBeNull();
    expect(held.press("pointer 1", 60)).toBeNull();
    expect(held.release("KeyA")).toBeNull();
    expect(held.sounding(60)).toBe(true);
    expect(held.release("pointer 1")).toBe(60);
    expect(held.release("pointer 1")).toBeNull();
    expect(held.all).toEqual([]);
  });
});

describe("velocityAt", () => {
  it("takes pressure where it was measured, and 1 to 127 in any case", () => {
    const at = (pointerType: string, pressure: number): number => velocityAt({ pointerType, pressure, offsetY: 0, target: null });
    expect(at("pen", 0.9)).toBeGreaterThan(at("pen", 0.2));
    expect(at("mouse", 0.5)).toBe(at("touch", 1));
    expect(at("pen", 0.999)).toBeLessThanOrEqual(127);
  });
});

/** How each player looks: build, skin, hair and shirt, the same on every machine for the same player. */
import type { PlayerInfo } from "../generated/protocol";
import type { Rig } from "./rig";

export interface Appearance {
  readonly skin: readonly [number, number, number];
  readonly hair: readonly [number, number, number];
  readonly shirt: readonly [number, number, number];
  /** Bit set of the joints that are left out. */
  readonly hidden: number;
  /** Seconds behind the section's first player. */
  readonly lagS: number;
  /** Size of this player's motions, about 1. */
  readonly vigour: number;
  /** Phase of the sway, radians. */
  readonly phase: number;
}

const SKIN = [
  [1, 1, 1],
  [1.08, 1.03, 0.98],
  [0.92, 0.85, 0.78],
  [0.74, 0.62, 0.53],
  [0.56, 0.45, 0.38],
  [0.36, 0.28, 0.235],
] as const;

const HAIR = [
  [0.09, 0.075, 0.07],
  [0.13, 0.1, 0.08],
  [0.28, 0.19, 0.13],
  [0.42, 0.27, 0.16],
  [0.62, 0.44, 0.27],
  [0.8, 0.78, 0.76],
  [0.5, 0.48, 0.47],
] as const;

/** A well-mixed number 0–1 from a player's number and a purpose (Steele's splitmix32 finaliser). */
export function chance(player: number, purpose: number): number {
  let x = (player * 0x9e3779b9 + purpose * 0x85ebca6b) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
}

function pick<T>(from: readonly T[], share: number): T {
  return from[Math.min(from.length - 1, Math.floor(share * from.length))]!;
}

/** `sharesDesk`: another player of the desk has the stand before them. */
export function appearanceOf(placement: PlayerInfo, rig: Rig, sharesDesk: boolean): Appearance {
  const id = placement.player;
  let hidden = 0;
  const hide = (name: string): void => {
    const joint = rig.index(name);
    if (joint >= 0) hidden |= 1 << joint;
  };
  const shapes = ["hair", "hair_b", "hair_c", "hair_d"].filter((name) => rig.index(name) >= 0);
  const weighted = [0, 0, 0, 1, 2, 2, 3].filter((shape) => shape < shapes.length);
  const shape = weighted.length > 0 ? pick(weighted, chance(id, 1)) : 0;
  shapes.forEach((name, index) => index !== shape && hide(name));
  const slight = rig.index("body_b") >= 0 && (shape === 0 ? chance(id, 2) < 0.25 : chance(id, 2) < 0.8);
  if (rig.index("body_b") >= 0) hide(slight ? "body" : "body_b");
  const black = chance(id, 3) < (slight ? 0.75 : 0.2);
  if (sharesDesk) hide("stand");
  return {
    skin: pick(SKIN, chance(id, 4)),
    hair: pick(HAIR, chance(id, 5)),
    shirt: black ? [0.035, 0.035, 0.04] : [1, 1, 1],
    hidden,
    lagS: 0.035 * chance(id, 6),
    vigour: 0.85 + 0.3 * chance(id, 7),
    phase: 2 * Math.PI * chance(id, 8),
  };
}

/** How each player looks: build, skin, hair and shirt, the same on every machine for the same player. */
import type { PlayerInfo } from "../generated/protocol";
import type { Rig } from "./rig";

export interface Appearance {
  readonly skin: Colour;
  readonly hair: Colour;
  readonly shirt: Colour;
  /** Bit set of the joints that are left out. */
  readonly hidden: number;
  /** Seconds behind the section's first player. */
  readonly lagS: number;
  /** Size of this player's motions, about 1. */
  readonly vigour: number;
  /** Phase of the sway, radians. */
  readonly phase: number;
}

type Colour = readonly [number, number, number];

/** What the models are painted with where a tint applies, linear; tints are factors on it. */
const PAINTED = { skin: [0.7, 0.435, 0.3], hair: [0.45, 0.365, 0.28], shirt: [0.86, 0.83, 0.76] } as const;

const SKIN = ["d3a283", "c99674", "bd845f", "a06c48", "7d4f34", "583725", "c4916f", "d9ac8e", "b07a56"];
const HAIR = ["17120f", "231710", "3a2618", "573a22", "7a5631", "a5814f", "0f0e10", "8f8a84", "b9b4ac", "6b3a22"];
const WHITE_SHIRT = "e9e3d6";
/** Stage light is strong; skin a little under its daylight colour looks right in it. */
const SKIN_EXPOSURE = 0.82;

/** The factor that turns what is painted into an sRGB colour (IEC 61966-2-1). */
function tint(hex: string, painted: Colour, exposure = 1): Colour {
  const channel = (index: 0 | 1 | 2): number => {
    const value = parseInt(hex.slice(2 * index, 2 * index + 2), 16) / 255;
    const linear = value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return (exposure * linear) / painted[index];
  };
  return [channel(0), channel(1), channel(2)];
}

export const CONDUCTOR_TINTS = {
  skin: tint("c4916f", PAINTED.skin, SKIN_EXPOSURE),
  hair: tint("4a4540", PAINTED.hair),
  shirt: tint(WHITE_SHIRT, PAINTED.shirt),
};

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

const WOMENS_HAIR = ["hair_b", "hair_b", "hair_b", "hair_c", "hair_c", "hair_c", "hair_d", "hair"];
const MENS_HAIR = ["hair", "hair", "hair", "hair", "hair", "hair_d"];

/** `sharesDesk`: another player of the desk has the stand before them. */
export function appearanceOf(placement: PlayerInfo, rig: Rig, sharesDesk: boolean): Appearance {
  const id = placement.player;
  let hidden = 0;
  const hide = (name: string): void => {
    const joint = rig.index(name);
    if (joint >= 0) hidden |= 1 << joint;
  };
  const woman = chance(id, 2) < 0.48;
  const wanted = pick(woman ? WOMENS_HAIR : MENS_HAIR, chance(id, 1));
  const shape = rig.index(wanted) >= 0 ? wanted : "hair";
  for (const name of ["hair", "hair_b", "hair_c", "hair_d"]) if (name !== shape) hide(name);
  if (rig.index("body_b") >= 0) hide(woman ? "body" : "body_b");
  // An all-black dress has no white front; with the slighter build it would stand off.
  if (woman && rig.index("body_b") >= 0) hide("shirt");
  if (sharesDesk) hide("stand");
  return {
    skin: tint(pick(SKIN, chance(id, 4)), PAINTED.skin, SKIN_EXPOSURE * (0.92 + 0.13 * chance(id, 9))),
    hair: tint(pick(HAIR, chance(id, 5)), PAINTED.hair, 0.85 + 0.3 * chance(id, 10)),
    shirt: tint(WHITE_SHIRT, PAINTED.shirt),
    hidden,
    lagS: 0.035 * chance(id, 6),
    vigour: 0.85 + 0.3 * chance(id, 7),
    phase: 2 * Math.PI * chance(id, 8),
  };
}

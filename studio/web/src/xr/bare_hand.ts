/** A tracked hand as the headset sees it: tapered bones between its joints and a cuff, lit as the players are. */
import { BufferAttribute, BufferGeometry, CapsuleGeometry, CylinderGeometry, type Group, Vector3 } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import { CONDUCTOR_TINTS } from "../scene/appearance";
import { Figure } from "../scene/figure";
import { PODIUM_HEIGHT_M } from "../scene/frames";
import { TINT } from "../scene/models";
import { joint } from "./conducting_hands";
import { JOINT, JOINTS } from "./reading";

/** Bones by the joints at their ends; each is carried by the first. Tips carry nothing. */
const BONES: readonly (readonly [number, number])[] = [
  [1, 2], [2, 3], [3, 4],
  [5, 6], [6, 7], [7, 8], [8, 9],
  [10, 11], [11, 12], [12, 13], [13, 14],
  [15, 16], [16, 17], [17, 18], [18, 19],
  [20, 21], [21, 22], [22, 23], [23, 24],
];
/** As the models are painted: the conductor's tints are factors on these. */
const SKIN = [0.7, 0.435, 0.3] as const;
const CLOTH = [0.012, 0.012, 0.015] as const;
const SHIRT = [0.86, 0.83, 0.76] as const;
const CUFF_M = { radius: 0.035, start: -0.014, length: 0.034 } as const;
const SLEEVE_M = { radius: 0.038, start: 0.012, length: 0.13 } as const;

export class BareHand {
  readonly figure: Figure;

  /** A hand of the size that was measured: joint poses (column-major) and radii. */
  constructor(joints: Float32Array, radii: Float32Array) {
    const parts = BONES.map(([from, to], part) => bone(joints, radii, from, to, part));
    const wrist = BONES.length;
    parts.push(
      tube(wrist, CUFF_M, SHIRT, TINT.shirt),
      tube(wrist, SLEEVE_M, CLOTH, TINT.none),
    );
    const merged = mergeGeometries(parts);
    if (merged === null) throw new Error("the parts of a hand do not fit together");
    this.figure = new Figure(merged);
    this.figure.place(new Vector3(0, PODIUM_HEIGHT_M, 0), 0);
    this.figure.tint(CONDUCTOR_TINTS.skin, CONDUCTOR_TINTS.hair, CONDUCTOR_TINTS.shirt);
  }

  get group(): Group {
    return this.figure.group;
  }

  update(joints: Float32Array): void {
    BONES.forEach(([from], part) => this.carry(joints, from, part));
    this.carry(joints, JOINT.wrist, BONES.length);
    this.figure.touch();
  }

  private carry(joints: Float32Array, from: number, part: number): void {
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 4; column++) this.figure.row[part * 12 + row * 4 + column] = joints[from * 16 + column * 4 + row]!;
    }
  }
}

/** Whether these are all the joints of a hand, at places. */
export function isWhole(joints: Float32Array): boolean {
  return joints.length === JOINTS * 16 && joints.every(Number.isFinite);
}

/** From a joint along its −Z to the next, as thick as the finger is there. */
function bone(joints: Float32Array, radii: Float32Array, from: number, to: number, part: number): BufferGeometry {
  const [a, b] = [joint(joints, from), joint(joints, to)];
  const length = Math.max(0.004, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
  const thick = clampRadius(radii[from]!);
  const thin = Math.min(thick, clampRadius(radii[to]!) * 1.1);
  const geometry = new CapsuleGeometry(1, length, 4, 9).rotateX(-Math.PI / 2).translate(0, 0, -length / 2);
  const position = geometry.getAttribute("position");
  for (let i = 0; i < position.count; i++) {
    const along = Math.min(1, Math.max(0, -position.getZ(i) / length));
    const radius = thick + (thin - thick) * along;
    // The caps were made with radius 1: bring them to the bone's ends.
    const beyond = position.getZ(i) > 0 ? position.getZ(i) : Math.min(0, position.getZ(i) + length);
    position.setXYZ(i, position.getX(i) * radius, position.getY(i) * radius, -along * length + beyond * radius);
  }
  return dressed(geometry, part, SKIN, 0.62, TINT.skin);
}

/** About the wrist's axis, from `start` backwards. */
function tube(part: number, { radius, start, length }: { radius: number; start: number; length: number }, colour: readonly number[], tint: number): BufferGeometry {
  const geometry = new CylinderGeometry(radius, radius * 1.06, length, 16, 1).rotateX(-Math.PI / 2).scale(1, 0.8, 1).translate(0, 0, start + length / 2);
  return dressed(geometry, part, colour, 0.9, tint);
}

/** With the attributes that the players' material reads. */
function dressed(geometry: BufferGeometry, part: number, colour: readonly number[], rough: number, tint: number): BufferGeometry {
  const count = geometry.getAttribute("position").count;
  const fill = (values: readonly number[]): BufferAttribute => new BufferAttribute(Float32Array.from({ length: count * values.length }, (_, i) => values[i % values.length]!), values.length);
  geometry.deleteAttribute("uv");
  geometry.setAttribute("surface", fill([rough, 0]));
  geometry.setAttribute("albedo", fill(colour));
  geometry.setAttribute("part", fill([part, tint]));
  return geometry;
}

function clampRadius(radius: number): number {
  return Math.min(0.014, Math.max(0.006, Number.isFinite(radius) ? radius : 0.008));
}

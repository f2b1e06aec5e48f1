/**
 * The skeleton of a player model: which rigid parts it has, how they hang together, and the poses it can take.
 *
 * Data come from `assets/models/rig.json` (hall frame) and from the node names in `players.glb`.
 */
import { Matrix4, Quaternion, Vector3 } from "three";
import { hallRotationToWorld, hallToWorld, type Quat, type Vec3 } from "./frames";

export type MotionKind = "bow" | "wind" | "brass" | "strike" | "pluck" | "keys" | "voice" | "none";

export interface RigFile {
  readonly models: Readonly<Record<string, RigFileModel>>;
}

interface RigFileModel {
  readonly stance: "seated" | "standing";
  readonly kind: string;
  readonly joints: Readonly<Record<string, Vec3>>;
  readonly parents: Readonly<Record<string, string | null>>;
  readonly poses: Readonly<Record<string, Readonly<Record<string, { readonly q?: Quat; readonly t?: Vec3 }>>>>;
}

export interface Joint {
  readonly name: string;
  /** Index of the parent in `Rig.joints`, −1 below the root. Parents come before their children. */
  readonly parent: number;
  /** Origin at rest in the root's space, metres, Y up. */
  readonly pivot: Vector3;
}

/** One pose: rotation and shift of each joint relative to rest; joints it does not name are undefined. */
export interface RigPose {
  readonly rotation: readonly (Quaternion | undefined)[];
  readonly shift: readonly (Vector3 | undefined)[];
}

const KINDS: ReadonlySet<string> = new Set(["bow", "wind", "brass", "strike", "pluck", "keys", "voice"]);

/** The most parts a model may have; a row of the pose texture has room for as many. */
export const MAX_JOINTS = 24;

export class Rig {
  readonly kind: MotionKind;
  readonly joints: readonly Joint[];
  readonly poses: ReadonlyMap<string, RigPose>;
  private readonly indices = new Map<string, number>();

  /** `pivots`: origin of every part found in the glTF, root space; `parents`: name of the part above it, if any. */
  constructor(pivots: ReadonlyMap<string, Vector3>, parents: ReadonlyMap<string, string>, file?: RigFileModel) {
    const names = sortedParentsFirst([...pivots.keys()], parents);
    if (names.length > MAX_JOINTS) throw new Error(`a player model has ${names.length} parts, more than ${MAX_JOINTS}`);
    names.forEach((name, index) => this.indices.set(name, index));
    this.joints = names.map((name) => ({
      name,
      parent: this.index(parents.get(name) ?? ""),
      pivot: pivots.get(name)!.clone(),
    }));
    this.kind = file !== undefined && KINDS.has(file.kind) ? (file.kind as MotionKind) : "none";
    this.poses = new Map(Object.entries(file?.poses ?? {}).map(([name, pose]) => [name, this.readPose(pose)]));
  }

  /** Index of a part, −1 where the model has none of that name. */
  index(name: string): number {
    return this.indices.get(name) ?? -1;
  }

  private readPose(pose: RigFileModel["poses"][string]): RigPose {
    const rotation: (Quaternion | undefined)[] = this.joints.map(() => undefined);
    const shift: (Vector3 | undefined)[] = this.joints.map(() => undefined);
    for (const [part, change] of Object.entries(pose)) {
      const index = this.index(part);
      if (index < 0) continue;
      if (change.q !== undefined) rotation[index] = hallRotationToWorld(change.q);
      if (change.t !== undefined) shift[index] = hallToWorld(change.t);
    }
    return { rotation, shift };
  }
}

function sortedParentsFirst(names: string[], parents: ReadonlyMap<string, string>): string[] {
  const depth = (name: string): number => {
    const parent = parents.get(name);
    return parent === undefined ? 0 : 1 + depth(parent);
  };
  return names.sort((a, b) => depth(a) - depth(b) || a.localeCompare(b));
}

/**
 * The pose of one player, blended from poses of its rig, and the matrices that carry vertices of the rest pose
 * (root space) to it. One instance is reused for all players: `begin`, any number of `add`/`turn`, `write`.
 */
export class PoseBlend {
  private readonly rotations = Array.from({ length: MAX_JOINTS }, () => new Quaternion());
  private readonly shifts = Array.from({ length: MAX_JOINTS }, () => new Vector3());
  private readonly globals = Array.from({ length: MAX_JOINTS }, () => new Matrix4());
  private readonly local = new Matrix4();
  private readonly offset = new Vector3();
  private readonly identity = new Quaternion();
  private readonly unit = new Vector3(1, 1, 1);
  private rig: Rig | null = null;

  begin(rig: Rig): void {
    this.rig = rig;
    for (let j = 0; j < rig.joints.length; j++) {
      this.rotations[j]!.identity();
      this.shifts[j]!.set(0, 0, 0);
    }
  }

  /** Moves every joint of the blend a share `weight` (0–1) of the way to the named pose. Unknown poses do nothing. */
  add(name: string, weight: number): void {
    const pose = this.rig?.poses.get(name);
    if (pose === undefined || this.rig === null || weight <= 0) return;
    for (let j = 0; j < this.rig.joints.length; j++) {
      this.rotations[j]!.slerp(pose.rotation[j] ?? this.identity, weight);
      const shift = pose.shift[j];
      if (shift !== undefined) this.shifts[j]!.lerp(shift, weight);
      else this.shifts[j]!.multiplyScalar(1 - weight);
    }
  }

  /** As `add`, for the joints that the pose names alone: what the others do goes on. */
  layer(name: string, weight: number): void {
    const pose = this.rig?.poses.get(name);
    if (pose === undefined || weight <= 0) return;
    pose.rotation.forEach((rotation, j) => rotation !== undefined && this.rotations[j]!.slerp(rotation, weight));
    pose.shift.forEach((shift, j) => shift !== undefined && this.shifts[j]!.lerp(shift, weight));
  }

  /** Turns one joint further by a rotation in its parent's space. */
  turn(joint: number, rotation: Quaternion): void {
    if (joint >= 0) this.rotations[joint]!.premultiply(rotation);
  }

  /** Shifts one joint further, metres. */
  move(joint: number, x: number, y: number, z: number): void {
    if (joint >= 0) this.shifts[joint]!.add(this.offset.set(x, y, z));
  }

  /** Writes joint matrices (three rows of four per joint) for the rig's joints to `out` from `start`. */
  write(out: Float32Array, start: number, hidden: number): void {
    const rig = this.rig;
    if (rig === null) return;
    for (let j = 0; j < rig.joints.length; j++) {
      const joint = rig.joints[j]!;
      const parent = joint.parent >= 0 ? rig.joints[joint.parent]! : null;
      this.offset.copy(joint.pivot).add(this.shifts[j]!);
      if (parent !== null) this.offset.sub(parent.pivot);
      this.local.compose(this.offset, this.rotations[j]!, this.unit);
      const global = this.globals[j]!;
      if (parent !== null) global.multiplyMatrices(this.globals[joint.parent]!, this.local);
      else global.copy(this.local);
      const at = start + j * 12;
      if ((hidden >> j) & 1) {
        out.fill(0, at, at + 12);
        continue;
      }
      const e = global.elements;
      const p = joint.pivot;
      for (let row = 0; row < 3; row++) {
        const a = e[row]!;
        const b = e[row + 4]!;
        const c = e[row + 8]!;
        out[at + row * 4] = a;
        out[at + row * 4 + 1] = b;
        out[at + row * 4 + 2] = c;
        out[at + row * 4 + 3] = e[row + 12]! - a * p.x - b * p.y - c * p.z;
      }
    }
  }

  /** Where a joint's origin lies in root space after the last `write`. */
  origin(joint: number, out: Vector3): Vector3 {
    return out.setFromMatrixPosition(this.globals[joint]!);
  }
}

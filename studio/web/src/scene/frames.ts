/**
 * Where the hall's frame meets three.js's world, which is glTF's: Y up, −Z towards the back of the stage.
 */
import { Quaternion, Vector3 } from "three";

export type Vec3 = readonly [x: number, y: number, z: number];
export type Quat = readonly [w: number, x: number, y: number, z: number];

/** Height of the podium's top over the stage floor; the tracking frame's floor lies on it. */
export const PODIUM_HEIGHT_M = 0.24;

/** A point of the hall frame in the world. */
export function hallToWorld(p: Vec3, out = new Vector3()): Vector3 {
  return out.set(p[0], p[2], -p[1]);
}

/** A point or direction of the world in the hall frame. */
export function worldToHall(v: Vector3): Vec3 {
  return [v.x, -v.z, v.y];
}

/** A rotation of the hall frame in the world. */
export function hallRotationToWorld(q: Quat, out = new Quaternion()): Quaternion {
  return out.set(q[1], q[3], -q[2], q[0]);
}

/** A point of the tracking frame in the world: both have Y up and −Z forward; only the floor differs. */
export function trackingToWorld(p: Vec3, out = new Vector3()): Vector3 {
  return out.set(p[0], p[1] + PODIUM_HEIGHT_M, p[2]);
}

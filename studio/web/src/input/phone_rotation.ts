/** Rotations of a phone: W3C orientation angles, quaternions `wxyz`, and the way from earth to tracking frame. */

export type Vector = readonly [x: number, y: number, z: number];
export type Quaternion = readonly [w: number, x: number, y: number, z: number];

const RADIANS = Math.PI / 180;
/** From earth axes (x east, y north, z up) to tracking axes for a conductor who faces north (x right, y up, −z ahead). */
const EARTH_TO_TRACKING: Quaternion = [Math.SQRT1_2, -Math.SQRT1_2, 0, 0];

/** Device → earth (x east, y north, z up) from the angles of a `deviceorientation` event, degrees: intrinsic Z-X′-Y″. */
export function fromAngles(alpha: number, beta: number, gamma: number): Quaternion {
  const [z, x, y] = [alpha * RADIANS * 0.5, beta * RADIANS * 0.5, gamma * RADIANS * 0.5];
  return multiply(multiply([Math.cos(z), 0, 0, Math.sin(z)], [Math.cos(x), Math.sin(x), 0, 0]), [Math.cos(y), 0, Math.sin(y), 0]);
}

/** Device → tracking frame, for a conductor who faces `headingRad`, counter-clockwise from north seen from above. */
export function inTracking(device: Quaternion, headingRad: number): Quaternion {
  const turn: Quaternion = [Math.cos(-headingRad / 2), 0, 0, Math.sin(-headingRad / 2)];
  return multiply(EARTH_TO_TRACKING, multiply(turn, device));
}

/** `a` after `b`. */
export function multiply(a: Quaternion, b: Quaternion): Quaternion {
  return [
    a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
    a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
    a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
  ];
}

export function inverse(q: Quaternion): Quaternion {
  return [q[0], -q[1], -q[2], -q[3]];
}

export function rotate(q: Quaternion, v: Vector): Vector {
  const u: Vector = [q[1], q[2], q[3]];
  const t = cross(u, v);
  const s = cross(u, t);
  return [v[0] + 2 * (q[0] * t[0] + s[0]), v[1] + 2 * (q[0] * t[1] + s[1]), v[2] + 2 * (q[0] * t[2] + s[2])];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function unit(v: Vector): Vector {
  const n = Math.hypot(...v) || 1;
  return [v[0] / n, v[1] / n, v[2] / n];
}

export function add(a: Vector, b: Vector, factor = 1): Vector {
  return [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]];
}

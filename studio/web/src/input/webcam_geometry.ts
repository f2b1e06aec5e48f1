/** A hand's place, size and direction from its landmarks. */
import type { Quat, Vec3 } from "./input";
import { INDEX_KNUCKLE, INDEX_TIP, KNUCKLES, LITTLE_KNUCKLE, MIDDLE_KNUCKLE, type SeenHand, WRIST } from "./webcam_hands";

/** The place of a hand in the picture. */
export function pointOf(hand: SeenHand, point: "knuckles" | "fingertip"): { x: number; y: number } {
  if (point === "fingertip") return hand.image[INDEX_TIP]!;
  let x = 0;
  let y = 0;
  for (const knuckle of KNUCKLES) {
    x += hand.image[knuckle]!.x / KNUCKLES.length;
    y += hand.image[knuckle]!.y / KNUCKLES.length;
  }
  return { x, y };
}

/** Picture heights to a metre: least-squares fit of the hand's shape in metres to the picture, both about their means. */
export function scaleOf(hand: SeenHand, aspect: number): number {
  const count = hand.image.length;
  const mean = { u: 0, v: 0, x: 0, y: 0 };
  hand.image.forEach((point, index) => {
    mean.u += (point.x * aspect) / count;
    mean.v += point.y / count;
    mean.x += hand.world[index]!.x / count;
    mean.y += hand.world[index]!.y / count;
  });
  let cross = 0;
  let own = 0;
  hand.image.forEach((point, index) => {
    const [x, y] = [hand.world[index]!.x - mean.x, hand.world[index]!.y - mean.y];
    cross += (point.x * aspect - mean.u) * x + (point.y - mean.v) * y;
    own += x * x + y * y;
  });
  return own > 0 ? cross / own : 0;
}

/** −Z along the hand from the wrist to the knuckles, Y out of the back of a hand that is held palm down. */
export function orientationOf(hand: SeenHand, mirrored: boolean): Quat {
  const flip = mirrored ? 1 : -1;
  const at = (index: number): Vec3 => [flip * hand.world[index]!.x, -hand.world[index]!.y, hand.world[index]!.z];
  const wrist = at(WRIST);
  const back = unit(minus(wrist, at(MIDDLE_KNUCKLE)));
  const [index, little] = [at(INDEX_KNUCKLE), at(LITTLE_KNUCKLE)];
  // Across the hand towards the person's right when the palm is down: to the little finger of a right hand.
  const isRight = (hand.label === "Left") !== mirrored;
  const across = isRight ? minus(little, index) : minus(index, little);
  const up = unit(cross(back, across));
  return quaternion(unit(cross(up, back)), up, back);
}

function minus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(a: Vec3): Vec3 {
  const length = Math.hypot(...a) || 1;
  return [a[0] / length, a[1] / length, a[2] / length];
}

/** Of the rotation whose columns are `x`, `y`, `z` (Shepperd 1978). */
function quaternion(x: Vec3, y: Vec3, z: Vec3): Quat {
  const squares = [1 + x[0] + y[1] + z[2], 1 + x[0] - y[1] - z[2], 1 - x[0] + y[1] - z[2], 1 - x[0] - y[1] + z[2]];
  const largest = squares.indexOf(Math.max(...squares));
  const r = 2 * Math.sqrt(squares[largest]!);
  const [a, b, c] = [y[2] - z[1], z[0] - x[2], x[1] - y[0]];
  const [d, e, f] = [x[1] + y[0], z[0] + x[2], y[2] + z[1]];
  if (largest === 0) return [r / 4, a / r, b / r, c / r];
  if (largest === 1) return [a / r, r / 4, d / r, e / r];
  if (largest === 2) return [b / r, d / r, r / 4, f / r];
  return [c / r, e / r, f / r, r / 4];
}

/** A step of `share` of the way from the old turn to the new one. */
export function turned(old: Quat | null, next: Quat, share: number): Quat {
  if (old === null) return next;
  const sign = old.reduce((sum, value, index) => sum + value * next[index]!, 0) < 0 ? -1 : 1;
  const mixed = old.map((value, index) => value + share * (sign * next[index]! - value));
  const length = Math.hypot(...mixed) || 1;
  return mixed.map((value) => value / length) as unknown as Quat;
}

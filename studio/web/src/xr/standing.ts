/**
 * Where in the hall a headset's wearer stands or sits: their room, turned and moved so that they face the orchestra.
 * Pure geometry: the result is the place of the room's origin that WebXR is asked for.
 */
import type { Quat, Vec3 } from "../input/input";
import type { RigidPose } from "./reading";

/** Eyes of a standing adult: where a seated person's eyes are raised to, and where they are taken to be without a floor. */
export const STANDING_EYE_M = 1.62;
export const TURN_RAD = Math.PI / 6;

export interface Spot {
  /** Where the head comes to be, tracking frame: X right, Z towards the audience. */
  readonly x: number;
  readonly z: number;
  /** Height of the eyes over the podium; null: as high as they are over the own floor. */
  readonly eyeM: number | null;
}

export const PODIUM_SPOT: Spot = { x: 0, z: 0, eyeM: null };
/** A seat in the stalls, as the page's own audience view; heights there are over the podium as well. */
export const STALLS_SPOT: Spot = { x: 1.7, z: 11.2, eyeM: 1.05 };

/** The turn about the vertical, and the shift after it, that bring a point of the room to the tracking frame. */
interface Mapping {
  readonly turnRad: number;
  readonly shift: Vec3;
}

export class Standing {
  private mapping: Mapping = { turnRad: 0, shift: [0, 0, 0] };

  /** The mapping's inverse: where the tracking frame's origin lies in the room, and how it is turned (`wxyz`). */
  get origin(): RigidPose {
    const { turnRad, shift } = this.mapping;
    const back = turned([-shift[0], -shift[1], -shift[2]], -turnRad);
    return { positionM: back, orientation: [Math.cos(-turnRad / 2), 0, Math.sin(-turnRad / 2), 0] };
  }

  /**
   * Puts the wearer at a spot, facing the orchestra. `head` is as read through the present mapping. `floor`: whether the
   * room's floor is known; `seated`: the eyes are raised to a standing person's.
   */
  recenter(head: RigidPose, spot: Spot, floor: boolean, seated: boolean): void {
    const room = this.toRoom(head);
    const turnRad = -headingRad(room.orientation);
    const there = turned(room.positionM, turnRad);
    const own = room.positionM[1];
    const eyeM = spot.eyeM ?? (floor && !seated ? own : Math.max(floor ? own : 0, STANDING_EYE_M));
    this.mapping = { turnRad, shift: [spot.x - there[0], eyeM - own, spot.z - there[2]] };
  }

  /** Turns the wearer in place, radians to the left. */
  turn(head: RigidPose, byRad: number): void {
    const room = this.toRoom(head);
    // To turn the person left is to turn their room left about their head.
    const turnRad = this.mapping.turnRad + byRad;
    const there = turned(room.positionM, turnRad);
    const { positionM } = head;
    this.mapping = { turnRad, shift: [positionM[0] - there[0], this.mapping.shift[1], positionM[2] - there[2]] };
  }

  private toRoom({ positionM, orientation }: RigidPose): RigidPose {
    const { turnRad, shift } = this.mapping;
    const unshifted: Vec3 = [positionM[0] - shift[0], positionM[1] - shift[1], positionM[2] - shift[2]];
    return { positionM: turned(unshifted, -turnRad), orientation: yawed(orientation, -turnRad) };
  }
}

/** A point turned about the vertical, radians to the left. */
function turned([x, y, z]: Vec3, rad: number): Vec3 {
  const s = Math.sin(rad);
  const c = Math.cos(rad);
  return [c * x + s * z, y, c * z - s * x];
}

function yawed([w, x, y, z]: Quat, rad: number): Quat {
  const c = Math.cos(rad / 2);
  const s = Math.sin(rad / 2);
  return [c * w - s * y, c * x + s * z, c * y + s * w, c * z - s * x];
}

/** Which way a head faces, radians to the left of −Z; where it looks straight up or down, by its crown. */
export function headingRad([w, x, y, z]: Quat): number {
  const ahead: Vec3 = [-2 * (x * z + w * y), -2 * (y * z - w * x), -(1 - 2 * (x * x + y * y))];
  if (Math.abs(ahead[1]) < 0.95) return Math.atan2(-ahead[0], -ahead[2]);
  const up: Vec3 = [2 * (x * y - w * z), 0, 2 * (y * z + w * x)];
  const sign = ahead[1] > 0 ? 1 : -1; // looking up, the crown points backwards
  return Math.atan2(sign * up[0], sign * up[2]);
}

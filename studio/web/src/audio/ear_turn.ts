/**
 * Turns the ears late. The studio renders the sound for where the head was when it was told; by the time that is heard the
 * head has turned on. What of the difference the ears notice first, the difference of arrival between them, is put right
 * just before the loudspeakers: by the mean over the players of what it is off. The studio's next sound follows anyway.
 */

/** Radius of the sphere that stands for a head, metres, and the speed of sound. */
const HEAD_M = 0.0875;
const SOUND_MPS = 343;
/** How long before a sample is due the studio asks where the head is: its lead, its block and half a step. */
export const ASKED_BEFORE_S = 0.018;
const KEPT_S = 1.5;
/** Beyond this the mean over the players says little. */
const LARGEST_TURN_RAD = 0.7;

export interface Direction {
  /** To the left of straight ahead of the podium. */
  readonly azimuthRad: number;
  readonly weight: number;
}

/** Directions of players from the podium (hall frame: x right, y to the back), weighted by their sound's power there. */
export function directionsOf(places: readonly (readonly [number, number, number])[]): Direction[] {
  return places.map(([x, y]) => ({ azimuthRad: Math.atan2(-x, y), weight: 1 / Math.max(1, x * x + y * y) }));
}

/** How much earlier the left ear hears a far source to the left, seconds (Woodworth, Experimental Psychology, 1938). */
export function leadOfLeftS(azimuthRad: number): number {
  const wrapped = Math.atan2(Math.sin(azimuthRad), Math.cos(azimuthRad));
  const aside = Math.abs(wrapped) <= Math.PI / 2 ? wrapped : Math.sign(wrapped) * Math.PI - wrapped;
  return (HEAD_M / SOUND_MPS) * (aside + Math.sin(aside));
}

export class EarTurn {
  private told: { timeS: number; yawRad: number }[] = [];

  /** The head faced `yawRad` (left of straight ahead) at session time `timeS`, and the studio was told. */
  tell(timeS: number, yawRad: number): void {
    const last = this.told[this.told.length - 1];
    if (last !== undefined && timeS <= last.timeS) return;
    this.told.push({ timeS, yawRad });
    while (this.told[0]!.timeS < timeS - KEPT_S) this.told.shift();
  }

  forget(): void {
    this.told = [];
  }

  /** By how much the left ear has to hear later than it does, seconds, for sound that was due at session time `dueS`. */
  leftLaterS(dueS: number, directions: readonly Direction[]): number {
    const now = this.told[this.told.length - 1];
    const rendered = this.yawAt(dueS - ASKED_BEFORE_S);
    if (now === undefined || rendered === null || directions.length === 0) return 0;
    const turn = Math.atan2(Math.sin(now.yawRad - rendered), Math.cos(now.yawRad - rendered));
    const bounded = Math.max(-LARGEST_TURN_RAD, Math.min(LARGEST_TURN_RAD, turn));
    let sum = 0;
    let weights = 0;
    for (const { azimuthRad, weight } of directions) {
      const was = azimuthRad - rendered;
      sum += weight * (leadOfLeftS(was) - leadOfLeftS(was - bounded));
      weights += weight;
    }
    return sum / weights;
  }

  private yawAt(timeS: number): number | null {
    const after = this.told.findIndex((pose) => pose.timeS >= timeS);
    if (after === 0 || this.told.length === 0) return null; // longer ago than is known
    return this.told[after < 0 ? this.told.length - 1 : after - 1]!.yawRad;
  }
}

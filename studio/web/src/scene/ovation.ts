/**
 * The orchestra stands up for its applause: when, and how a seated player's legs unbend.
 *
 * Whoever has room before them rises over their feet; who has an instrument on the floor between the knees, or sits at
 * a keyboard, moves chair and feet back and rises where they sat. As in the studio's own window (`scenes/standing.py`).
 */
import { Quaternion, Vector3 } from "three";
import type { Applause } from "../generated/protocol";
import type { PoseBlend, Rig } from "./rig";

/** Where the knees of those who sit bend, root space (Y up, −Z ahead); behind it and higher than a calf is a thigh. */
export const KNEE = new Vector3(0, 0.51, -0.4);
const CALF_M = 0.4;
/** How long somebody takes to stand up, or to sit down. */
const RISES_S = 1.3;
/** After the first clap the first and the last player rise. */
const RISE_AFTER_S = [1.2, 3.2] as const;
/** Before the last clap the first player sits down. */
const SITS_BEFORE_S = 1.5;
/** Where a seated player's legs begin: ahead and up. */
const HIP = { ahead: -0.03, up: 0.525 };
const ARM_LOWERED_RAD = 0.75;
const STAYS = new Set(["legs", "thighs", "chair", "stand", "ground"]);
const AXIS_X = new Vector3(1, 0, 0);
const AXIS_Z = new Vector3(0, 0, 1);
const turn = new Quaternion();

/** Whether a vertex of the legs of somebody who sits is the thigh's. */
export function isThigh(y: number, z: number): boolean {
  return -z < -KNEE.z && y > CALF_M;
}

export class Ovation {
  private applause: Applause | null = null;
  private lastS: number | null = null;
  private most = 0;

  /** Clap then, or longer than it was meant before. */
  begin(applause: Applause): void {
    this.applause = { ...applause, begin_s: Math.min(applause.begin_s, this.applause?.begin_s ?? Infinity) };
  }

  /** The music begins again, or another session: everybody sits. */
  end(): void {
    this.applause = null;
  }

  /** A picture is drawn for `timeS`; `stand` for each player follows. */
  step(timeS: number): void {
    this.most = this.lastS === null ? 0 : Math.max(0, timeS - this.lastS) / RISES_S;
    this.lastS = timeS;
  }

  /** How far up a player is who was at `before` (0 sits, 1 stands); `late` (0–1) is the player's own. */
  next(before: number, late: number): number {
    const applause = this.applause;
    const lateS = late * (RISE_AFTER_S[1] - RISE_AFTER_S[0]);
    const now = this.lastS ?? 0;
    const up = applause !== null && now > applause.begin_s + RISE_AFTER_S[0] + lateS && now < applause.end_s - SITS_BEFORE_S + 0.5 * lateS;
    return before + Math.max(-this.most, Math.min(this.most, Number(up) - before));
  }
}

/** Lets a player stand as far as `risen` (0–1) says; after the rest of the pose. */
export function stand(blend: PoseBlend, rig: Rig, risen: number): void {
  if (risen <= 0 || rig.index("chair") < 0) return;
  const amount = risen * risen * (3 - 2 * risen);
  const bent = (Math.PI / 2) * amount;
  const [y, z] = [HIP.ahead + KNEE.z, HIP.up - KNEE.y];
  const ahead = y * Math.cos(bent) + z * Math.sin(bent) - KNEE.z - HIP.ahead;
  const up = z * Math.cos(bent) - y * Math.sin(bent) + KNEE.y - HIP.up;
  const onFloor = rig.index("ground") >= 0;
  const back = onFloor ? (z - KNEE.z - HIP.ahead) * amount : 0;
  rig.joints.forEach((joint, index) => {
    if (joint.parent < 0 && !STAYS.has(joint.name)) blend.move(index, 0, up, -(ahead - back));
  });
  for (const name of ["legs", "thighs", "chair"]) blend.move(rig.index(name), 0, 0, back);
  blend.turn(rig.index("thighs"), turn.setFromAxisAngle(AXIS_X, -bent));
  // The left hand goes on holding what stays on the floor, by its upper end.
  if (onFloor) blend.turn(rig.index("arm_L"), turn.setFromAxisAngle(AXIS_Z, -ARM_LOWERED_RAD * amount));
}

/** Poses of the tracked devices as they come, read at the moment that is drawn. */
import type { PoseInfo } from "../generated/protocol";
import type { Quat, Vec3 } from "./frames";

export interface DevicePose {
  readonly timeS: number;
  readonly positionM: Vec3;
  readonly orientation: Quat | null;
}

const KEPT = 64;
const STALE_S = 1.5;

export class PoseTrack {
  private poses: DevicePose[] = [];

  add(pose: PoseInfo): void {
    const last = this.poses[this.poses.length - 1];
    if (last !== undefined && pose.time_s <= last.timeS) {
      // Much earlier: another take or clock. The same again: nothing new.
      if (last.timeS - pose.time_s < 1) return;
      this.poses = [];
    }
    this.poses.push({ timeS: pose.time_s, positionM: pose.position_m, orientation: pose.orientation_wxyz });
    if (this.poses.length > KEPT) this.poses.shift();
  }

  clear(): void {
    this.poses = [];
  }

  /** The pose at `timeS` between the samples around it, or null where none is near. */
  at(timeS: number): DevicePose | null {
    const after = this.poses.findIndex((pose) => pose.timeS >= timeS);
    if (after < 0) {
      const last = this.poses[this.poses.length - 1];
      return last !== undefined && timeS - last.timeS < STALE_S ? last : null;
    }
    const b = this.poses[after]!;
    const a = this.poses[Math.max(0, after - 1)]!;
    if (b.timeS - timeS > STALE_S) return null;
    const t = b.timeS > a.timeS ? Math.max(0, (timeS - a.timeS) / (b.timeS - a.timeS)) : 1;
    const mix = (i: 0 | 1 | 2): number => a.positionM[i] + (b.positionM[i] - a.positionM[i]) * t;
    return { timeS, positionM: [mix(0), mix(1), mix(2)], orientation: t < 0.5 ? a.orientation : b.orientation };
  }
}

/** Rays on their way to the studio: gathered for a moment, every press kept. */
import { MAX_SAMPLES, type Pointing, type RaySample } from "../generated/protocol";
import type { Vec3 } from "../scene/frames";

/** Where the viewer looks from and to, hall frame. */
export interface Look {
  readonly eye: Vec3;
  readonly gaze: Vec3;
}

/** Rays are gathered so long before they are sent. */
const GATHER_MS = 15;

export class PointingSender {
  private waiting: RaySample[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly send: (message: Pointing & { kind: "Pointing" }) => void,
    private readonly clockOffsetS: () => number,
    private readonly look: () => Look,
  ) {}

  /** Adds a ray: the newest of each hand is sent, and each that presses or lets go. */
  push(sample: RaySample): void {
    const own = this.waiting.filter(({ hand }) => hand === sample.hand).slice(-2);
    const [before, last] = own;
    // A ray between two alike tells nothing new.
    if (before !== undefined && last !== undefined && alike(before, last) && alike(last, sample)) this.waiting.splice(this.waiting.indexOf(last), 1);
    this.waiting.push(sample);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Sends what waits now; a headset calls it at the end of each of its frames. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { eye, gaze } = this.look();
    for (let i = 0; i < this.waiting.length; i += MAX_SAMPLES) {
      this.send({ kind: "Pointing", clock_offset_s: this.clockOffsetS(), eye_m: [...eye], gaze: [...gaze], samples: this.waiting.slice(i, i + MAX_SAMPLES) });
    }
    this.waiting = [];
  }
}

function alike(a: RaySample, b: RaySample): boolean {
  return a.select === b.select && a.grab === b.grab && a.menu === b.menu && a.section === b.section && a.valid === b.valid;
}

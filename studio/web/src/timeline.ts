/**
 * Which moment of the session the picture shows: the one that is heard. Without sound it runs a little behind the
 * newest word from the studio, so that there is always a sample after it to move towards.
 */
import { clientS } from "./net/clock";
import type { ClockReport } from "./net/messages";

const SILENT_DELAY_S = 0.09;
/** Jumps larger than this are taken at once; smaller ones are caught up softly. */
const JUMP_S = 0.3;
const CATCH_UP_PER_S = 2.5;

export class Timeline {
  private clock: ClockReport | null = null;
  private shownS = NaN;
  private lastS = 0;

  /** `heardS`: session time of the sound at the ears, or null. `nowS`: the client's clock. */
  constructor(
    private readonly heardS: () => number | null,
    private readonly nowS: () => number = clientS,
  ) {}

  setClock(clock: ClockReport): void {
    this.clock = clock;
  }

  reset(): void {
    this.clock = null;
    this.shownS = NaN;
  }

  /** Session − client clock, seconds; 0 before the first answer. */
  get offsetS(): number {
    return this.clock?.offsetS ?? 0;
  }

  get roundTripS(): number {
    return this.clock?.roundTripS ?? 0;
  }

  /** The session's clock now; NaN before the first answer. */
  sessionS(): number {
    return this.clock === null ? NaN : this.nowS() + this.clock.offsetS;
  }

  /** The moment to draw; NaN before the clock is known. */
  timeS(): number {
    const now = this.nowS();
    const dt = Math.max(0, now - this.lastS);
    this.lastS = now;
    const target = this.heardS() ?? this.sessionS() - SILENT_DELAY_S;
    if (Number.isNaN(target)) return this.shownS;
    const free = this.shownS + dt;
    const error = target - free;
    if (Number.isNaN(free) || Math.abs(error) > JUMP_S) this.shownS = target;
    else this.shownS = free + error * Math.min(1, CATCH_UP_PER_S * dt);
    return this.shownS;
  }
}

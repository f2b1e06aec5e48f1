/**
 * When a sensor was read, from when its events came. Sensors read at an even rate, events come late by some
 * milliseconds more or less; an acceleration that is integrated over the wrong time is a wrong speed.
 */

/** How much of a stamp's deviation moves the phase: an early event proves that the others were late. */
const EARLIER = 0.1;
const LATER = 0.03;
const PERIOD = 0.003;
/** Deviations that no lateness explains: the sensor's rate changed, or the page slept. */
const LOST_S = 0.12;
const FIRST_COUNT = 12;

export class SampleClock {
  private timeS = NaN;
  private periodS = NaN;
  private first: number[] = [];

  /** The even time of the event that is stamped `stampS`; rises with every call where the stamps do. */
  next(stampS: number): number {
    const passed = stampS - this.timeS;
    if (!(Math.abs(passed) < 4 * LOST_S)) return this.restart(stampS);
    if (Number.isNaN(this.periodS)) {
      this.first.push(passed);
      if (this.first.length >= FIRST_COUNT) this.periodS = [...this.first].sort((a, b) => a - b)[FIRST_COUNT >> 1]!;
      return (this.timeS = stampS);
    }
    const count = Math.max(1, Math.round(passed / this.periodS));
    const error = passed - count * this.periodS;
    if (Math.abs(error) > LOST_S || this.periodS < 1e-4) return this.restart(stampS);
    this.periodS += (PERIOD * error) / count;
    this.timeS += count * this.periodS + (error < 0 ? EARLIER : LATER) * error;
    return this.timeS;
  }

  private restart(stampS: number): number {
    this.first = [];
    this.periodS = NaN;
    return (this.timeS = stampS);
  }
}

/**
 * A ring of samples between the network and the loudspeaker: waits until enough has come, plays it at the rate that
 * keeps the store at its target (the two clocks differ by some ppm), and hides what is missing by short fades.
 *
 * Runs in the audio worklet, or in the page where worklets are not allowed. Samples are counted from the session's
 * start of sound. No allocation in `pull`.
 */

export interface RingReport {
  /** Session time of the sample that leaves the ring now; NaN while it is filling. */
  readonly timeS: number;
  readonly storedS: number;
  readonly targetS: number;
  /** Root mean square of each channel since the last report. */
  readonly rms: readonly [number, number];
  readonly peak: number;
  readonly underruns: number;
  /** Seconds that were skipped to catch up. */
  readonly skippedS: number;
  /** Rate of playing relative to nominal, e.g. 1.0003. */
  readonly rate: number;
}

const STORE_S = 4;
const LARGEST_TARGET_S = 0.3;
/** Inaudible as pitch: 0.4 % is 7 cents. */
const LARGEST_RATE_CHANGE = 0.004;
const FADE_S = 0.004;
/** More than this above the target is skipped at once rather than played off: it would take half a minute. */
const LARGEST_EXCESS_S = 0.1;
const SMOOTHING_S = 0.7;
/** The most that one ear is moved against the other: more than a head is wide. */
const LARGEST_SKEW_S = 0.001;
const SKEW_SMOOTHING_S = 0.008;

export class SampleRing {
  private readonly size: number;
  private readonly left: Float32Array;
  private readonly right: Float32Array;
  private read = 0;
  private end = 0;
  private originS = NaN;
  private playing = false;
  private gain = 0;
  private smoothedStore = 0;
  private targetS: number;
  private sinceUnderrunS = 0;
  private squares: [number, number] = [0, 0];
  private counted = 0;
  private peak = 0;
  private underruns = 0;
  private skippedS = 0;
  private rate = 1;
  private skew = 0;
  private targetSkew = 0;

  /** `rateHz` of the samples that come, `outputHz` of those that leave; `baseTargetS` is how much to keep in store. */
  constructor(
    private readonly rateHz: number,
    private readonly outputHz: number,
    private baseTargetS: number,
  ) {
    this.size = Math.round(STORE_S * rateHz);
    this.left = new Float32Array(this.size);
    this.right = new Float32Array(this.size);
    this.targetS = baseTargetS;
  }

  /** Keeps less in store for the one who conducts, more for the others. */
  setTarget(baseTargetS: number): void {
    this.baseTargetS = baseTargetS;
    this.targetS = baseTargetS;
  }

  /** Lets the left ear hear later (and the right one earlier) by `leftLaterS` in all, as if the head turned left. */
  turn(leftLaterS: number): void {
    if (!Number.isFinite(leftLaterS)) return;
    this.targetSkew = Math.max(-LARGEST_SKEW_S, Math.min(LARGEST_SKEW_S, leftLaterS)) * this.rateHz;
  }

  /** Takes samples that follow the session's sample `firstSample`; `timeS` is its session time. */
  push(firstSample: number, timeS: number, left: Float32Array, right: Float32Array): void {
    const gap = firstSample - this.end;
    if (gap < 0 && gap > -0.5 * this.rateHz) return;
    if (gap < 0 || gap > 0.5 * this.rateHz || Number.isNaN(this.originS)) this.restart(firstSample);
    else if (gap > 0) this.silence(gap);
    this.originS = timeS - firstSample / this.rateHz;
    for (let i = 0; i < left.length; i++) {
      const at = (this.end + i) % this.size;
      this.left[at] = left[i]!;
      this.right[at] = right[i]!;
    }
    this.end += left.length;
    if (this.end - this.read > this.size - 0.1 * this.rateHz) this.skipTo(this.end - this.targetS * this.rateHz);
    if (!this.playing && this.end - this.read >= this.targetS * this.rateHz) {
      this.playing = true;
      this.smoothedStore = this.end - this.read;
    }
  }

  /** Fills one block of output. */
  pull(left: Float32Array, right: Float32Array): void {
    const blockS = left.length / this.outputHz;
    const step = this.steer(blockS);
    const reach = 3 + Math.ceil(0.5 * Math.max(Math.abs(this.skew), Math.abs(this.targetSkew)));
    if (this.playing && this.end - this.read < left.length * step + reach) this.runDry();
    const follow = Math.min(1, 1 / (SKEW_SMOOTHING_S * this.outputHz));
    const fade = 1 / (FADE_S * this.outputHz);
    for (let i = 0; i < left.length; i++) {
      const ready = this.end - this.read > reach && (this.playing || this.gain > 0);
      this.gain = this.playing ? Math.min(1, this.gain + fade) : Math.max(0, this.gain - fade);
      if (!ready) {
        left[i] = right[i] = 0;
        continue;
      }
      this.skew += (this.targetSkew - this.skew) * follow;
      if (Math.abs(this.targetSkew - this.skew) < 1e-4) this.skew = this.targetSkew;
      const l = this.gain * hermite(this.left, this.size, this.read - 0.5 * this.skew);
      const r = this.gain * hermite(this.right, this.size, this.read + 0.5 * this.skew);
      left[i] = l;
      right[i] = r;
      this.squares[0] += l * l;
      this.squares[1] += r * r;
      this.peak = Math.max(this.peak, Math.abs(l), Math.abs(r));
      this.read += step;
    }
    this.counted += left.length;
  }

  /** The state since the last report; levels start anew. */
  report(): RingReport {
    const n = Math.max(1, this.counted);
    const report: RingReport = {
      timeS: this.playing ? this.originS + this.read / this.rateHz : NaN,
      storedS: (this.end - this.read) / this.rateHz,
      targetS: this.targetS,
      rms: [Math.sqrt(this.squares[0] / n), Math.sqrt(this.squares[1] / n)],
      peak: this.peak,
      underruns: this.underruns,
      skippedS: this.skippedS,
      rate: this.rate,
    };
    this.squares = [0, 0];
    this.peak = 0;
    this.counted = 0;
    return report;
  }

  /** Input samples to move per output sample. */
  private steer(blockS: number): number {
    if (!this.playing) return this.rateHz / this.outputHz;
    const stored = this.end - this.read;
    this.smoothedStore += (stored - this.smoothedStore) * Math.min(1, blockS / SMOOTHING_S);
    this.sinceUnderrunS += blockS;
    // Trust a line that has been quiet for a while: give back the delay that an earlier gap had cost.
    if (this.sinceUnderrunS > 8 && this.targetS > this.baseTargetS) this.targetS = Math.max(this.baseTargetS, this.targetS - 0.003 * blockS);
    const excessS = this.smoothedStore / this.rateHz - this.targetS;
    if (excessS > LARGEST_EXCESS_S) {
      this.skipTo(this.end - this.targetS * this.rateHz);
      return this.rateHz / this.outputHz;
    }
    // Within ±4 ms nothing is changed; beyond, the rate leans against the error.
    const error = Math.abs(excessS) < 0.004 ? 0 : excessS - Math.sign(excessS) * 0.004;
    this.rate = 1 + Math.max(-LARGEST_RATE_CHANGE, Math.min(LARGEST_RATE_CHANGE, 0.1 * error));
    return (this.rate * this.rateHz) / this.outputHz;
  }

  private runDry(): void {
    this.playing = false;
    this.underruns += 1;
    this.sinceUnderrunS = 0;
    this.targetS = Math.min(LARGEST_TARGET_S, this.targetS * 1.3);
  }

  private restart(firstSample: number): void {
    this.read = this.end = firstSample;
    this.playing = false;
    this.gain = 0;
  }

  private skipTo(sample: number): void {
    this.skippedS += Math.max(0, sample - this.read) / this.rateHz;
    this.read = Math.max(this.read, Math.round(sample));
    this.smoothedStore = this.end - this.read;
    this.gain = 0;
  }

  private silence(samples: number): void {
    for (let i = 0; i < samples; i++) {
      const at = (this.end + i) % this.size;
      this.left[at] = this.right[at] = 0;
    }
    this.end += samples;
  }
}

/** Catmull–Rom interpolation; exact at whole samples. */
function hermite(ring: Float32Array, size: number, from: number): number {
  const at = from < 1 ? from + size : from; // one ear may lie before the start
  const whole = Math.floor(at);
  const t = at - whole;
  const b = ring[whole % size]!;
  if (t === 0) return b;
  const a = ring[(whole + size - 1) % size]!;
  const c = ring[(whole + 1) % size]!;
  const d = ring[(whole + 2) % size]!;
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

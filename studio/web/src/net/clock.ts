/** The session's clock as this machine knows it. */

/** Seconds that every thread of the page agrees on (threads have different origins of `performance.now`). */
export function clientS(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}

interface Exchange {
  readonly roundTripS: number;
  readonly offsetS: number;
  readonly receivedS: number;
}

const KEPT = 24;
/** What a clock may drift from another, as a share: quartz is within 100 ppm. An old exchange is worth that much less. */
const DRIFT = 1e-4;

/**
 * Estimates session − client clock from ping exchanges: the one with the shortest round trip, aged by drift, is
 * nearest to the truth (Cristian 1989; NTP's clock filter, RFC 5905).
 */
export class ClockEstimate {
  private exchanges: Exchange[] = [];

  /** `sentS`, `receivedS`: client clock; `serverS`: session clock in the answer. */
  add(sentS: number, receivedS: number, serverS: number): void {
    const roundTripS = receivedS - sentS;
    if (!(roundTripS >= 0)) return;
    this.exchanges.push({ roundTripS, offsetS: serverS - (sentS + receivedS) / 2, receivedS });
    if (this.exchanges.length > KEPT) this.exchanges.shift();
  }

  reset(): void {
    this.exchanges = [];
  }

  get count(): number {
    return this.exchanges.length;
  }

  /** The best exchange at client time `nowS`, or null before the first. */
  best(nowS: number): { offsetS: number; roundTripS: number } | null {
    let best: Exchange | null = null;
    let bestCost = Infinity;
    for (const exchange of this.exchanges) {
      const cost = exchange.roundTripS / 2 + DRIFT * (nowS - exchange.receivedS);
      if (cost < bestCost) [best, bestCost] = [exchange, cost];
    }
    return best;
  }
}

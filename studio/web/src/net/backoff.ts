/** How long to wait before the next try: doubles from half a second to eight, with jitter so that a class of pages
 * does not come back all at once. */
export class Backoff {
  private tries = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Seconds to wait now. */
  next(): number {
    const ceiling = Math.min(8, 0.5 * 2 ** this.tries);
    this.tries += 1;
    return ceiling * (0.6 + 0.4 * this.random());
  }

  reset(): void {
    this.tries = 0;
  }
}

import { Rate } from "./rate.ts";

/** A pace is never told from less: a few quick tasks say little of the next. */
const SAMPLE_MIN = 10;
const SAMPLE_MS_MIN = 3;

/** How quickly a worker works off what it claims. */
export class Pace {
  readonly #concurrency: number;
  readonly #rate: Rate;
  /** When tasks came last, how many ended since, and the pace between that and the time before. */
  #newest = { at: 0, ended: 0, perMsBefore: 0 };

  constructor(concurrency: number, now: number) {
    this.#concurrency = concurrency;
    this.#rate = new Rate(now);
  }

  /** A claim came back. */
  claimed(now: number): void {
    this.#newest = { at: now, ended: 0, perMsBefore: this.#perMsSinceClaim(now) };
  }

  /** An attempt ended. Starts do not count: filling empty slots does not tell when they are free. */
  ended(): void {
    this.#rate.add();
    this.#newest.ended += 1;
  }

  /** Attempts that end within a millisecond. */
  perMs(now: number): number {
    return Math.max(this.#rate.perSecond(now) / 1_000, this.#perMsOfClaims(now));
  }

  /**
   * The pace as the two newest claims show it. A worker that wakes up waits for claims more
   * than it works, so that its average says little: without this it took no more than it has
   * slots, 500 no-op tasks in 20 claims instead of 3.
   */
  #perMsOfClaims(now: number): number {
    return Math.max(this.#newest.perMsBefore, this.#perMsSinceClaim(now));
  }

  #perMsSinceClaim(now: number): number {
    const { at, ended } = this.#newest;
    // All slots were free again once.
    return ended < Math.max(this.#concurrency, SAMPLE_MIN)
      ? 0
      : ended / Math.max(SAMPLE_MS_MIN, now - at);
  }
}

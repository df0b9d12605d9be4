/** A pace is never told from less: a few quick tasks say little of the next. */
const SAMPLE_MIN = 10;
const SAMPLE_MS_MIN = 3;
/** So long after the worker waited for tasks its average tells the pace, and bursts do not. */
const AWAKE_MS = 300;

/** How quickly a worker works off what it claims. */
export class Pace {
  readonly #concurrency: number;
  readonly #rate: Rate;
  /** When tasks came last, how many ended since, and the pace between that and the time before. */
  #newest = { at: 0, ended: 0, perMsBefore: 0 };
  #waitedAt: number;

  constructor(concurrency: number, now: number) {
    this.#concurrency = concurrency;
    this.#rate = new Rate(now);
    this.#waitedAt = now;
  }

  /** A claim came back, with as much as it asked for if there is `more`. */
  claimed(now: number, { more }: { more: boolean }): void {
    if (!more) {
      this.#waitedAt = now;
    }
    this.#newest = { at: now, ended: 0, perMsBefore: this.#perMsSinceClaim(now) };
  }

  /** An attempt ended. Starts do not count: filling empty slots does not tell when they are free. */
  ended(): void {
    this.#rate.add();
    this.#newest.ended += 1;
  }

  /** Attempts that end within a millisecond. */
  perMs(now: number): number {
    const average = this.#rate.perSecond(now) / 1_000;
    return now - this.#waitedAt > AWAKE_MS ? average : Math.max(average, this.#perMsOfClaims(now));
  }

  /**
   * The pace as the two newest claims show it. A worker that wakes up waits for claims more
   * than it works, so that its average says little: without this it took no more than it has
   * slots, 500 no-op tasks in 20 claims instead of 3. Only then: a process that gets its processor
   * in slices works off each in a burst, and took hundreds of tasks that it released a second
   * later, more than it finished (sixteen workers on two cores).
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

const WINDOW_MS = 100;

/** How many of something happen in a second, from a moving average over tenths of seconds. */
class Rate {
  #count = 0;
  #since: number;
  #perSecond = 0;

  constructor(now: number) {
    this.#since = now;
  }

  add(): void {
    this.#count += 1;
  }

  perSecond(now: number): number {
    const elapsedMs = now - this.#since;
    if (elapsedMs >= WINDOW_MS) {
      const newest = (this.#count / elapsedMs) * 1_000;
      // After a long silence the old figure says nothing.
      const weight = Math.min(1, 0.5 * (elapsedMs / WINDOW_MS));
      this.#perSecond += (newest - this.#perSecond) * weight;
      this.#count = 0;
      this.#since = now;
    }
    return this.#perSecond;
  }
}

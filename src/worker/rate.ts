const WINDOW_MS = 100;

/** How many of something happen in a second, from a moving average over tenths of seconds. */
export class Rate {
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

/** What a worker that naps waits before it looks again. */
export const NAP_MS = 2;
/** Naps in a row without a task, until it goes to sleep. */
const NAPS_MAX = 3;

/**
 * Whether a worker that found less than it asked for should nap, and not sleep. Where a task
 * comes every few milliseconds, one that sleeps is woken by a notify for each, and claims them
 * one by one; one that naps spares the producers the notify, and takes several at a time.
 */
export class Naps {
  #foundAt = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** A claim came back. True: nap. The first task after a rest is no reason to stay awake. */
  after({ found, now }: { found: boolean; now: number }): boolean {
    if (found) {
      this.#left = now - this.#foundAt <= NAPS_MAX * NAP_MS ? NAPS_MAX : 0;
      this.#foundAt = now;
    } else {
      this.#left = Math.max(0, this.#left - 1);
    }
    return this.#left > 0;
  }
}

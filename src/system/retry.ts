/**
 * Trying again for as long as it takes: statements, connections, sessions, programs. p-retry,
 * which serves a limited number of tries, cannot be told that a connection worked before it was
 * lost, and its longest delay has no jitter.
 */

import { longestBackoffMs } from "../model/backoff.ts";
import { sleep } from "./waiting.ts";

/** Delays in milliseconds: `baseMs` before the second try, twice as long before each further one. */
export type RetryDelays = {
  readonly baseMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
  /** Share of a delay that is left to chance: many workers lose a server together. @default 0.5 */
  readonly jitter?: number;
};

/** How long to wait before the next try of what keeps failing. */
export class RetryDelay {
  readonly #delays: RetryDelays;
  #failures = 0;

  constructor(delays: RetryDelays) {
    this.#delays = delays;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** It works: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }

  /** It failed once more: milliseconds to wait. */
  nextMs(random: () => number = Math.random): number {
    const { jitter = 0.5, ...delays } = this.#delays;
    this.#failures += 1;
    return longestBackoffMs(this.#failures, { ...delays, factor: 2 }) * (1 - jitter * random());
  }
}

/**
 * Run `work` until it resolves, with growing delays between the tries. It is given a function to
 * call when it works, as a connection does long before it is lost: the next delay is the first
 * again.
 *
 * Throws the newest error once the signal has aborted, and where `mayPass` says that the error
 * does not pass by itself; `failures` counts those in a row. With `triesOnAbort` an abort that cuts
 * a delay short is followed by one last try.
 */
export async function retry<Result>(
  work: (works: () => void) => Promise<Result>,
  options: {
    readonly delays: RetryDelays;
    readonly signal: AbortSignal;
    readonly mayPass: (err: unknown, failures: number) => boolean;
    readonly triesOnAbort?: boolean;
  },
): Promise<Result> {
  const { signal, mayPass, triesOnAbort = false } = options;
  const delay = new RetryDelay(options.delays);
  for (;;) {
    try {
      return await work(() => delay.reset());
    } catch (err) {
      if (signal.aborted || !mayPass(err, delay.failures + 1)) {
        throw err;
      }
      await sleep(delay.nextMs(), signal);
      if (signal.aborted && !triesOnAbort) {
        throw err;
      }
    }
  }
}

/** How long to wait after a failure: exponential, capped, with full jitter. */
export type Backoff = {
  /** The first wait at its longest, in milliseconds. @default 1000 */
  readonly baseMs: number;
  /** What each further failure multiplies the wait by. @default 2 */
  readonly factor: number;
  /** No wait is longer, in milliseconds. @default 300000 */
  readonly maxMs: number;
};

/** sql/functions/settle/outcomes.sql has the same figures, for workers written in SQL. */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 1_000, factor: 2, maxMs: 300_000 };

/**
 * The wait before the next attempt, in whole milliseconds: uniform between 0 and
 * min(maxMs, baseMs * factor ** (failures - 1)), so that tasks that failed together do
 * not come back together. "Full jitter" of AWS, Exponential Backoff And Jitter (2015).
 *
 * @param failures - failures including this one, from 1
 * @param random - in [0, 1)
 */
export function backoffMs(
  failures: number,
  backoff: Backoff = DEFAULT_BACKOFF,
  random: () => number = Math.random,
): number {
  return Math.floor(random() * (longestBackoffMs(failures, backoff) + 1));
}

/** The wait after so many failures, from 1, before chance shortens it. */
export function longestBackoffMs(failures: number, { baseMs, factor, maxMs }: Backoff): number {
  return Math.min(maxMs, baseMs * factor ** (failures - 1));
}

/** What a process makes up for that it was there for, and could not enqueue. */
import type { ParsedCronItem } from "graphile-worker";

/**
 * How far back. So often, once a minute, a schedule is enqueued at most when the database is back;
 * what is older is a matter of its own `fill`.
 */
const MISSED_MS_MAX = 3_600_000;

/**
 * The same items, of which each is also made up for as far back as this process was there.
 * graphile-worker begins with the next full minute at each start, and each time that it could not
 * enqueue what was due: a connection that is cut at the wrong moment would cost that run. It asks
 * how far back at each such start, and enqueues no run that any process has enqueued.
 */
export function catchingUp(
  items: readonly ParsedCronItem[],
  thereSinceMs: () => number,
): ParsedCronItem[] {
  return items.map((item) => ({
    ...item,
    options: {
      ...item.options,
      get backfillPeriod() {
        return Math.max(item.options.backfillPeriod, Math.min(thereSinceMs(), MISSED_MS_MAX));
      },
    },
  }));
}

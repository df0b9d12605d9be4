/** The schedules on graphile-worker: when each is due, and the job that enqueues its task then. */
import { type ParsedCronItem, parseCronItems, type Task } from "graphile-worker";
import type { Logger } from "pino";
import { z } from "zod";
import type { Database } from "../database/database.ts";
import { enqueueScheduled } from "../database/schedules.ts";
import type { Schedule } from "./crontab.ts";
import { instantOf, isDue } from "./due-times.ts";
import { runJobLogged } from "./job.ts";

/** The name of the job that enqueues the task of any schedule. */
export const ENQUEUE_SCHEDULED = "enqueue-scheduled";

const Payload = z.object({
  schedule: z.string(),
  task: z.record(z.string(), z.unknown()),
  /** From graphile-worker: the minute at which it was due. */
  _cron: z.object({ ts: z.string(), backfilled: z.boolean().default(false) }),
});

/** However many processes there are, graphile-worker enqueues each of these once. */
export function scheduleItemsOf(schedules: readonly Schedule[]): ParsedCronItem[] {
  return parseCronItems(
    schedules.map(({ name, timing, backfillMs, task }) => ({
      task: ENQUEUE_SCHEDULED,
      // Apart from the names of our own jobs.
      identifier: `schedule ${name}`,
      match: (digest) => isDue(timing, instantOf(digest, new Date())),
      options: { backfillPeriod: backfillMs },
      payload: { schedule: name, task },
    })),
  );
}

/** Enqueue the task that is due. The job may run again after a crash; the task is the same. */
export function enqueueScheduledTask(context: {
  readonly db: Database;
  readonly logger: Logger;
}): Task {
  return async (given) => {
    const { schedule, task, _cron: due } = Payload.parse(given);
    await runJobLogged(
      {
        name: ENQUEUE_SCHEDULED,
        async run({ db }: { readonly db: Database }) {
          const enqueued = await enqueueScheduled(db, {
            schedule,
            dueAt: due.ts,
            task: {
              ...task,
              metadata: { schedule, due_at: due.ts, backfilled: due.backfilled },
            },
          });
          if (enqueued === null) {
            return { changes: 0, detail: { schedule, outcome: "paused", dueAt: due.ts } };
          }
          const { taskId, outcome } = enqueued;
          return {
            changes: outcome === "duplicate" ? 0 : 1,
            detail: { schedule, taskId, outcome, dueAt: due.ts },
          };
        },
      },
      context,
    );
  };
}

/**
 * How far back: at most sixty runs of a schedule are enqueued when the database is back. Older
 * ones are a matter of its own `fill`.
 */
const MISSED_MS_MAX = 3_600_000;

/**
 * The same items, of which each also catches up the runs that this process was there for and
 * could not enqueue. graphile-worker begins with the next full minute at each start, and again
 * each time that it could not enqueue what was due: a connection that is cut at the wrong moment
 * would cost that run. It asks how far back at each such start, and enqueues no run that any
 * process has enqueued.
 */
export function withCatchUp(
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

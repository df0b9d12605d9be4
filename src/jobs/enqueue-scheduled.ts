/** How graphile-worker is told of the schedules, and what it does when one is due. */
import { type ParsedCronItem, parseCronItems, type Task } from "graphile-worker";
import type { Logger } from "pino";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { enqueueScheduled } from "../postgres/schedule-store.ts";
import type { Schedule } from "./crontab.ts";
import { instantOf, isDue } from "./due.ts";
import { runLogged } from "./job.ts";

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
    await runLogged(
      {
        name: ENQUEUE_SCHEDULED,
        async run({ db }: { readonly db: Database }) {
          const { taskId, outcome } = await enqueueScheduled(db, {
            schedule,
            dueAt: due.ts,
            task: {
              ...task,
              metadata: { schedule, due_at: due.ts, backfilled: due.backfilled },
            },
          });
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

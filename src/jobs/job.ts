import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import type { DueEffect } from "../database/rows.ts";
import { failpoint } from "../system/failpoint.ts";

export type JobContext = {
  readonly db: Database;
  /** Whether the cron of the system calls, at any time, and no graphile-worker runs. */
  readonly isOnce: boolean;
  /** Whether somebody added the job by hand, as no schedule would: there is a reason not to wait. */
  readonly isByHand: boolean;
  /** Have an effect delivered: here and now, or by a job of its own. */
  readonly handOver: (effect: DueEffect) => Promise<void>;
  /** Aborts when the process stops: finish the step at hand and return. */
  readonly signal: AbortSignal;
};

export type JobResult = {
  /** How many things it made, dropped or deleted. */
  readonly changes: number;
  /** The same in detail, for the log: counts or names. */
  readonly detail: Readonly<Record<string, number | string | readonly string[]>>;
};

/**
 * A piece of clockwork. It may run twice at once, and again after a crash, so each run
 * looks at what there is to do.
 */
export type MaintenanceJob = {
  readonly name: string;
  /** When it runs, in cron's notation, in UTC. */
  readonly cron: string;
  /** How far back runs that no process was there for are made up for. @default 0 */
  readonly backfillMs?: number;
  /** Whether it runs at each start of a process as well. @default false */
  readonly atStart?: true;
  run(context: JobContext): Promise<JobResult>;
};

/** Run a job, and log one line about it; what it throws is logged and thrown. */
export async function runJobLogged<Context>(
  job: { readonly name: string; run(context: Context): Promise<JobResult> },
  context: Context & { readonly logger: Logger },
): Promise<void> {
  const logger = context.logger.child({ job: job.name });
  const startedMs = performance.now();
  try {
    failpoint("job.before");
    const { changes, detail } = await job.run(context);
    failpoint("job.ended");
    const durationMs = Math.round(performance.now() - startedMs);
    logger[changes > 0 ? "info" : "debug"]({ ...detail, durationMs }, "job finished");
  } catch (err) {
    logger.warn({ err }, "job failed and will be tried again");
    throw err;
  }
}

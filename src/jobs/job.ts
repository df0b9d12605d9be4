/** What a maintenance job is, what it is given, and what it reports. */
import type { Task, TaskSpec } from "graphile-worker";
import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import type { DueEffect } from "../database/rows.ts";
import { failpoint } from "../system/failpoint.ts";
import { Observation } from "../system/observation.ts";

export type JobContext = {
  readonly db: Database;
  /** Run `work` on one state of the database; absent where `isOnce`. */
  readonly inSnapshot?: <Result>(work: (db: Database) => Promise<Result>) => Promise<Result>;
  /** Whether the cron of the system calls, at any time, and no graphile-worker runs. */
  readonly isOnce: boolean;
  /** Whether somebody added the job by hand, as no schedule would: there is a reason not to wait. */
  readonly isByHand: boolean;
  /** Have an effect delivered: by a job of its own, or here and now where `isOnce`. */
  readonly deliver: (effect: DueEffect) => Promise<void>;
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
 * Work on the tables that is due by the clock. It may run twice at once, and again after a crash,
 * so each run looks at what there is to do.
 */
export type MaintenanceJob = {
  readonly name: string;
  /** When it runs, in cron's notation, in UTC. */
  readonly cron: string;
  /** How far back missed runs are caught up, in milliseconds. @default 0 */
  readonly backfillMs?: number;
  /** Between its times by cron each process has it run so often, in milliseconds. @default never */
  readonly everyMs?: number;
  /** Whether it runs at each start of a process as well. @default false */
  readonly atStart?: true;
  readonly run: (context: JobContext) => Promise<JobResult>;
};

/**
 * How effects are delivered on graphile-worker, by a job for each. The outbox gives it, a later
 * room than this, which is not imported here.
 */
export type EffectJobs = {
  /** The name of the job. */
  readonly name: string;
  /** The code of the job; called once for each session. */
  readonly task: (context: { readonly db: Database; readonly logger: Logger }) => Task;
  /** The job for an effect: one, however often it is asked for. */
  readonly jobOf: (effect: DueEffect) => {
    readonly payload: Readonly<Record<string, unknown>>;
    readonly spec: TaskSpec;
  };
};

/** Of each table in one transaction. */
const ROWS_MAX = 10_000;
/** What is left then waits for the next run. */
const ROUNDS_MAX = 100;

/**
 * Run a job that deletes in rounds, until one finds fewer rows than it may delete. `deleteRound`
 * deletes at most `rowsMax` rows of each table, and resolves to how many went, by the names that
 * the detail has for them.
 */
export async function deleteInRounds(
  signal: AbortSignal,
  deleteRound: (limit: { readonly rowsMax: number }) => Promise<Readonly<Record<string, number>>>,
): Promise<JobResult> {
  const detail: Record<string, number> = {};
  let changes = 0;
  for (let round = 0; round < ROUNDS_MAX && !signal.aborted; round++) {
    const deleted = Object.entries(await deleteRound({ rowsMax: ROWS_MAX }));
    for (const [name, rows] of deleted) {
      detail[name] = (detail[name] ?? 0) + rows;
      changes += rows;
    }
    if (deleted.every(([, rows]) => rows < ROWS_MAX)) {
      break;
    }
  }
  return { changes, detail };
}

/** A run of a job ended after so long. */
export const jobEnded = new Observation<{
  readonly job: string;
  readonly result: "done" | "failed";
  readonly seconds: number;
}>();

/** Run a job, and log one line about it; what it throws is logged and thrown. */
export async function runJobLogged<Context>(
  job: { readonly name: string; run(context: Context): Promise<JobResult> },
  context: Context & { readonly logger: Logger },
): Promise<void> {
  const logger = context.logger.child({ job: job.name });
  const startedMs = performance.now();
  let result: "done" | "failed" = "failed";
  try {
    failpoint("job.before");
    const { changes, detail } = await job.run(context);
    failpoint("job.ended");
    result = "done";
    const durationMs = Math.round(performance.now() - startedMs);
    logger[changes > 0 ? "info" : "debug"]({ ...detail, durationMs }, "job finished");
  } catch (err) {
    logger.warn({ err }, "job failed and will be tried again");
    throw err;
  } finally {
    jobEnded.tell({ job: job.name, result, seconds: (performance.now() - startedMs) / 1_000 });
  }
}

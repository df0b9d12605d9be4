/** The queue's maintenance jobs, and a run of all jobs at once without graphile-worker. */

import type { HistoryTold } from "../database/arguments.ts";
import { expireAuditLogs, watchServer } from "../database/audit.ts";
import { unlockDeadRunners } from "../database/graphile-tables.ts";
import { expireOperations } from "../database/operations.ts";
import { expireEffects, expirePushConfigs, tellHistory } from "../database/outbox.ts";
import {
  countDepth,
  createPartitions,
  dropExpiredPartitions,
  expireRows,
  foldHistory,
  mergePartitions,
  summarizeHistory,
} from "../database/retention.ts";
import type { MergeStep } from "../database/rows.ts";
import { codeOf, LOCK_NOT_AVAILABLE } from "../database/sqlstate.ts";
import { sleep } from "../system/waiting.ts";
import { deleteInRounds, type JobContext, type JobResult, type MaintenanceJob } from "./job.ts";
import { runOperationsJob } from "./run-operations.ts";
import { verifyJob } from "./verify-job.ts";

/** How many days no jobs may run before rows go to the default partition. */
const DAYS_AHEAD = 7;

/** Make the partitions of the next days. */
const createPartitionsJob: MaintenanceJob = {
  name: "create-partitions",
  cron: "0 */6 * * *",
  atStart: true,
  async run({ db, signal }) {
    const { made, errors } = await createPartitions(db, { daysAhead: DAYS_AHEAD, signal });
    const [first, ...others] = errors;
    if (first !== undefined) {
      throw others.length === 0
        ? first
        : Object.assign(first, { message: `${first.message} (and ${others.length} more)` });
    }
    return { changes: made, detail: { partitionsMade: made } };
  },
};

/** Pushes are wanted by whoever has a config, whatever is set. */
const NOTHING: HistoryTold = { alerts: [], updates: false, queueAgeMs: 600_000 };

/** Alerts of transitions; the others are of a state. */
const OF_TASKS = new Set(["failed", "needs_decision"]);

/** Rows of history in one transaction: a third of a second. */
const FOLD_ROWS_MAX = 50_000;
/** A run that lasts longer leaves the rest to the next one. */
const FOLD_MS_MAX = 15_000;
/** What is not folded yet is read by whoever asks for statistics. */
const FOLD_EVERY_MS = 5_000;
/** While somebody wants to be told, a run folds and tells so often, until the next one. */
const TELL_EVERY_MS = 500;
const TELL_MS_MAX = 4_000;

/**
 * Fold new history into rollups, and count what is live where it is much: whoever asks for
 * statistics or depth then reads a few rows. Then tell of it who wants to be told.
 */
function foldHistoryJob(wanted: HistoryTold): MaintenanceJob {
  return {
    name: "fold-history",
    cron: "* * * * *",
    everyMs: FOLD_EVERY_MS,
    async run({ db, isOnce, signal }) {
      const beganAt = performance.now();
      const endsAt = beganAt + FOLD_MS_MAX;
      let rowsFolded = 0;
      let rows: number;
      await summarizeHistory(db);
      do {
        rows = await foldHistory(db, { rowsMax: FOLD_ROWS_MAX });
        rowsFolded += rows;
      } while (rows >= FOLD_ROWS_MAX && !signal.aborted && performance.now() < endsAt);
      await countDepth(db);
      let told = await tellHistory(db, wanted);
      // The state of queues and workers is looked at once a run.
      const later = { ...wanted, alerts: wanted.alerts.filter((alert) => OF_TASKS.has(alert)) };
      const goesOn = isOnce ? ["more"] : ["more", "done"];
      while (goesOn.includes(told)) {
        if (told === "done") {
          await sleep(TELL_EVERY_MS, signal);
          rowsFolded += await foldHistory(db, { rowsMax: FOLD_ROWS_MAX });
        }
        if (signal.aborted || performance.now() > (isOnce ? endsAt : beganAt + TELL_MS_MAX)) {
          break;
        }
        told = await tellHistory(db, later);
      }
      // Nothing that an operator would look for in the log.
      return { changes: 0, detail: { rowsFolded } };
    },
  };
}

const DAY_MS = 86_400_000;

/**
 * Drop what is older than the retention. A partition that somebody reads is left for the
 * next run, and a nightly dump reads them all for as long as it lasts: hence several runs.
 */
const dropExpiredPartitionsJob: MaintenanceJob = {
  name: "drop-expired-partitions",
  cron: "0 2-5 * * *",
  backfillMs: DAY_MS,
  async run({ db }) {
    const partitionsDropped = await dropExpiredPartitions(db);
    return { changes: partitionsDropped.length, detail: { partitionsDropped } };
  },
};

/** Delete dedupe keys, ended workers and effects whose time is over. */
const expireRowsJob: MaintenanceJob = {
  name: "expire-rows",
  cron: "*/5 * * * *",
  run: ({ db, signal }) =>
    deleteInRounds(signal, async (limit) => {
      const { dedupe_keys, workers } = await expireRows(db, limit);
      return {
        dedupeKeysDeleted: dedupe_keys,
        workersDeleted: workers,
        effectsDeleted: await expireEffects(db, limit),
        pushConfigsDeleted: await expirePushConfigs(db, limit),
        operationsDeleted: await expireOperations(db, limit),
        auditLogsDeleted: await expireAuditLogs(db, limit),
      };
    }),
};

/** Write to the audit log who got or lost a role of the queue, and which server it is. */
const watchServerJob: MaintenanceJob = {
  name: "watch-server",
  cron: "*/5 * * * *",
  async run({ db }) {
    const changesSeen = await watchServer(db);
    return { changes: changesSeen, detail: { changesSeen } };
  },
};

/** Release the jobs that a process held when it died, where no process starts in its place. */
const unlockDeadRunnersJob: MaintenanceJob = {
  name: "unlock-dead-runners",
  cron: "* * * * *",
  async run({ db, isOnce }) {
    // Without graphile-worker there may be no schema of it either.
    const runnersUnlocked = isOnce ? 0 : await unlockDeadRunners(db);
    return { changes: runnersUnlocked, detail: { runnersUnlocked } };
  },
};

/** The next run goes on with the rest. */
const RUN_MS_MAX = 20 * 60_000;
/** At most this share of the time is work; the rest leaves the disk to writers of tasks. */
const WORK_SHARE = 0.5;
/** How often in a row to wait for a lock, or for an old snapshot to end. */
const WAITS_MAX = 10;
const WAIT_MS = 500;

/**
 * Copy old partitions into fewer ones, and rows of days that are over out of the default one. By
 * short steps, of which each commits: a process that dies here leaves the rest to the next.
 */
const mergePartitionsJob: MaintenanceJob = {
  name: "merge-partitions",
  cron: "30 * * * *",
  async run({ db, signal }) {
    const endsAt = performance.now() + RUN_MS_MAX;
    const partitionsMade: string[] = [];
    let waits = 0;
    while (waits < WAITS_MAX && !signal.aborted && performance.now() < endsAt) {
      const beganAt = performance.now();
      const did = await unlessLocked(() => mergePartitions(db));
      if (did === null || (did !== "locked" && did.step === "gave up")) {
        break;
      }
      if (did === "locked" || did.step === "waits") {
        waits += 1;
        await sleep(WAIT_MS, signal);
        continue;
      }
      waits = 0;
      if (did.step === "swapped") {
        partitionsMade.push(...did.partitions);
      }
      await sleep((performance.now() - beganAt) * (1 / WORK_SHARE - 1), signal);
    }
    return { changes: partitionsMade.length, detail: { partitionsMade } };
  },
};

async function unlessLocked(
  work: () => Promise<MergeStep | null>,
): Promise<MergeStep | null | "locked"> {
  try {
    return await work();
  } catch (err) {
    if (codeOf(err) === LOCK_NOT_AVAILABLE) {
      return "locked";
    }
    throw err;
  }
}

/**
 * Every job, in the order in which `triaged jobs --once` runs them: the queue's, and between
 * them those that the outbox and the application add.
 */
export function jobsWith(
  added: readonly MaintenanceJob[],
  wanted: HistoryTold = NOTHING,
): readonly MaintenanceJob[] {
  return [
    createPartitionsJob,
    runOperationsJob,
    // Before what it counts is dropped.
    foldHistoryJob(wanted),
    dropExpiredPartitionsJob,
    expireRowsJob,
    watchServerJob,
    unlockDeadRunnersJob,
    ...added,
    verifyJob,
    // Last: it may take its time.
    mergePartitionsJob,
  ];
}

export type CompletedJob = { readonly job: MaintenanceJob["name"] } & JobResult;

/**
 * Run the jobs now, one after the other, without graphile-worker. One that fails does not stop
 * those after it. Throws at the end: what the one threw that failed, or an AggregateError of
 * several; `onDone` has told by then what the others did.
 */
export async function runJobsOnce({
  jobs,
  onDone,
  onFailed,
  ...given
}: Pick<JobContext, "db" | "deliver" | "signal"> & {
  readonly jobs: readonly MaintenanceJob[];
  readonly onDone?: (done: CompletedJob) => void;
  readonly onFailed?: (job: MaintenanceJob["name"], err: unknown) => void;
}): Promise<readonly CompletedJob[]> {
  const context: JobContext = { ...given, isOnce: true, isByHand: false };
  const results: CompletedJob[] = [];
  const errors: unknown[] = [];
  for (const job of jobs) {
    try {
      const done = { job: job.name, ...(await job.run(context)) };
      results.push(done);
      onDone?.(done);
    } catch (err) {
      errors.push(err);
      onFailed?.(job.name, err);
    }
  }
  if (errors.length > 0) {
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, "several jobs failed");
  }
  return results;
}

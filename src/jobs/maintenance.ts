import { setTimeout as delay } from "node:timers/promises";
import { unlockDeadRunners } from "../database/graphile-tables.ts";
import { expireEffects } from "../database/outbox.ts";
import {
  createPartitions,
  dropExpiredPartitions,
  expireRows,
  mergePartitions,
} from "../database/retention.ts";
import type { Expired, MergeStep } from "../database/rows.ts";
import { codeOf, LOCK_NOT_AVAILABLE } from "../database/sqlstate.ts";
import { type DeliverDeps, deliverEffect } from "../outbox/deliver.ts";
import { sweepEffectsJob } from "../outbox/effect-jobs.ts";
import { gatherDigestJob } from "../triage/jobs/digest-job.ts";
import type { JobContext, JobResult, MaintenanceJob } from "./job.ts";

/** So long may the jobs stand still before rows go to the default partition. */
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

/** Of each table in one transaction. */
const ROWS_MAX = 10_000;
/** What is left then waits for the next run. */
const ROUNDS_MAX = 100;

/** Delete dedupe keys, cached verdicts, ended workers and effects whose time is over. */
const expireRowsJob: MaintenanceJob = {
  name: "expire-rows",
  cron: "*/5 * * * *",
  async run({ db, signal }) {
    const total: Expired = { dedupe_keys: 0, triage_results: 0, workers: 0 };
    let effectsDeleted = 0;
    for (let round = 0; round < ROUNDS_MAX && !signal.aborted; round++) {
      const expired = await expireRows(db, { rowsMax: ROWS_MAX });
      const effects = await expireEffects(db, { rowsMax: ROWS_MAX });
      effectsDeleted += effects;
      total.dedupe_keys += expired.dedupe_keys;
      total.triage_results += expired.triage_results;
      total.workers += expired.workers;
      if (Math.max(effects, ...Object.values(expired)) < ROWS_MAX) {
        break;
      }
    }
    return {
      changes: total.dedupe_keys + total.triage_results + total.workers + effectsDeleted,
      detail: {
        dedupeKeysDeleted: total.dedupe_keys,
        triageResultsDeleted: total.triage_results,
        workersDeleted: total.workers,
        effectsDeleted,
      },
    };
  },
};

/** Give back what a process on another host held when it died, and was not started again. */
const unlockDeadRunnersJob: MaintenanceJob = {
  name: "unlock-dead-runners",
  cron: "* * * * *",
  async run({ db, isOnce }) {
    // Without graphile-worker there may be no schema of it either.
    const runnersUnlocked = isOnce ? 0 : await unlockDeadRunners(db);
    return { changes: runnersUnlocked, detail: { runnersUnlocked } };
  },
};

/** What is not done by then is gone on with by the next run. */
const RUN_MS_MAX = 20 * 60_000;
/** Of its time at most so much is work, so that what is written has the rest of the disk. */
const WORK_SHARE = 0.5;
/** A lock, or the end of an old snapshot, is waited for so often. */
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
        await waitUnlessStopped(WAIT_MS, signal);
        continue;
      }
      waits = 0;
      if (did.step === "swapped") {
        partitionsMade.push(...did.partitions);
      }
      await waitUnlessStopped((performance.now() - beganAt) * (1 / WORK_SHARE - 1), signal);
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

/** Returns early where the process stops. */
async function waitUnlessStopped(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Every job, in the order in which `triaged jobs --once` runs them. */
export const MAINTENANCE_JOBS: readonly MaintenanceJob[] = [
  createPartitionsJob,
  dropExpiredPartitionsJob,
  expireRowsJob,
  unlockDeadRunnersJob,
  gatherDigestJob,
  sweepEffectsJob,
  // Last: it may take its time.
  mergePartitionsJob,
];

export type CompletedJob = { readonly job: MaintenanceJob["name"] } & JobResult;

/**
 * Run every job now, one after the other, without graphile-worker. One that fails does not stop
 * those after it. Throws at the end: what the one threw that failed, or an AggregateError of
 * several; `onDone` has told by then what the others did.
 */
export async function runJobsOnce({
  onDone,
  onFailed,
  ...delivery
}: DeliverDeps & {
  onDone?: (done: CompletedJob) => void;
  onFailed?: (job: MaintenanceJob["name"], err: unknown) => void;
}): Promise<readonly CompletedJob[]> {
  const context: JobContext = {
    db: delivery.db,
    isOnce: true,
    isByHand: false,
    handOver: async ({ effectId }) => {
      await deliverEffect(effectId, delivery);
    },
    signal: delivery.signal,
  };
  const results: CompletedJob[] = [];
  const errors: unknown[] = [];
  for (const job of MAINTENANCE_JOBS) {
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

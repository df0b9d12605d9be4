/** What graphile-worker is told of our jobs. */
import { type ParsedCronItem, parseCronItems, type Runner, type TaskList } from "graphile-worker";
import type { DeliverDeps } from "../effects/deliver.ts";
import { isRecord } from "../json.ts";
import { DELIVER_EFFECT, deliverEffectTask, effectJob } from "./deliver-effect.ts";
import { type Job, runLogged } from "./job.ts";

/** The code of the jobs and of the deliveries, by name. */
export function taskListOf(jobs: readonly Job[], delivery: Omit<DeliverDeps, "signal">): TaskList {
  const { db, logger } = delivery;
  const clockwork: TaskList = Object.fromEntries(
    jobs.map((job) => [
      job.name,
      (given, { abortSignal, addJob }) =>
        runLogged(job, {
          db,
          logger,
          isOnce: false,
          // Of a run that is due by its cron graphile-worker says when that was.
          isByHand: !(isRecord(given) && "_cron" in given),
          handOver: async (effect) => {
            const { payload, spec } = effectJob(effect);
            await addJob(DELIVER_EFFECT, payload, spec);
          },
          signal: abortSignal,
        }),
    ]),
  );
  return { ...clockwork, [DELIVER_EFFECT]: deliverEffectTask(delivery) };
}

/** When the jobs run. However many processes there are, graphile-worker enqueues each run once. */
export function cronItemsOf(jobs: readonly Job[]): ParsedCronItem[] {
  return parseCronItems(
    jobs.map(({ name, cron, backfillMs = 0 }) => ({
      task: name,
      identifier: name,
      match: cron,
      // The key: a run that waits, or failed for good, is replaced by the next one.
      options: { backfillPeriod: backfillMs, jobKey: name },
    })),
  );
}

/** Enqueue the jobs that run at the start of a process. */
export async function addJobsAtStart(runner: Runner, jobs: readonly Job[]): Promise<void> {
  for (const { name } of jobs.filter(({ atStart }) => atStart === true)) {
    await runner.addJob(name, {}, { jobKey: name });
  }
}

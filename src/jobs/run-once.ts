import { type DeliverDeps, deliverEffect } from "../effects/deliver.ts";
import type { Job, JobContext, JobResult } from "./job.ts";
import { JOBS } from "./jobs.ts";

export type Done = { readonly job: Job["name"] } & JobResult;

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
  onDone?: (done: Done) => void;
  onFailed?: (job: Job["name"], err: unknown) => void;
}): Promise<readonly Done[]> {
  const context: JobContext = {
    db: delivery.db,
    isOnce: true,
    isByHand: false,
    handOver: async ({ effectId }) => {
      await deliverEffect(effectId, delivery);
    },
    signal: delivery.signal,
  };
  const results: Done[] = [];
  const errors: unknown[] = [];
  for (const job of JOBS) {
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

import { type DeliverDeps, deliverEffect } from "../effects/deliver.ts";
import type { Job, JobContext, JobResult } from "./job.ts";
import { JOBS } from "./jobs.ts";

/**
 * Run every job now, one after the other, without graphile-worker. Throws what the first
 * one throws that fails; those after it have not run then.
 */
export async function runJobsOnce({
  retention,
  ...delivery
}: Pick<JobContext, "retention"> & DeliverDeps): Promise<
  readonly ({ readonly job: Job["name"] } & JobResult)[]
> {
  const context: JobContext = {
    db: delivery.db,
    retention,
    isOnce: true,
    handOver: async ({ effectId }) => {
      await deliverEffect(effectId, delivery);
    },
    signal: delivery.signal,
  };
  const results = [];
  for (const job of JOBS) {
    results.push({ job: job.name, ...(await job.run(context)) });
  }
  return results;
}

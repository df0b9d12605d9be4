import type { Job, JobContext, JobResult } from "./job.ts";
import { JOBS } from "./jobs.ts";

/**
 * Run every job now, one after the other, without graphile-worker. Throws what the first
 * one throws that fails; those after it have not run then.
 */
export async function runJobsOnce(
  context: JobContext,
): Promise<readonly ({ readonly job: Job["name"] } & JobResult)[]> {
  const results = [];
  for (const job of JOBS) {
    results.push({ job: job.name, ...(await job.run(context)) });
  }
  return results;
}

import { createPartitions } from "../postgres/retention-store.ts";
import type { Job } from "./job.ts";

/** So long may the jobs stand still before rows go to the default partition. */
const DAYS_AHEAD = 7;

/** Make the partitions of the next days. */
export const createPartitionsJob: Job = {
  name: "create-partitions",
  cron: "0 */6 * * *",
  atStart: true,
  async run({ db, signal }) {
    const { made, errors } = await createPartitions(db, { daysAhead: DAYS_AHEAD, signal });
    const [only, ...others] = errors;
    if (only !== undefined) {
      throw others.length === 0
        ? only
        : new AggregateError(errors, `${errors.length} partitions cannot be made: ${only.message}`);
    }
    return { changes: made, detail: { partitionsMade: made } };
  },
};

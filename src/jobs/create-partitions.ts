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
    const [first, ...others] = errors;
    if (first !== undefined) {
      throw others.length === 0
        ? first
        : Object.assign(first, { message: `${first.message} (and ${others.length} more)` });
    }
    return { changes: made, detail: { partitionsMade: made } };
  },
};

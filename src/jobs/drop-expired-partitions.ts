import { dropExpiredPartitions } from "../postgres/retention-store.ts";
import type { Job } from "./job.ts";

const DAY_MS = 86_400_000;

/**
 * Drop what is older than the retention. A partition that somebody reads is left for the
 * next run, and a nightly dump reads them all for as long as it lasts: hence several runs.
 */
export const dropExpiredPartitionsJob: Job = {
  name: "drop-expired-partitions",
  cron: "0 2-5 * * *",
  backfillMs: DAY_MS,
  async run({ db }) {
    const partitionsDropped = await dropExpiredPartitions(db);
    return { changes: partitionsDropped.length, detail: { partitionsDropped } };
  },
};

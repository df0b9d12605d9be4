import { gatherDigest } from "../postgres/effect-store.ts";
import type { Job } from "./job.ts";

const DAY_MS = 86_400_000;

/** On Monday mornings: what waits for the digest becomes one issue for each repository. */
export const gatherDigestJob: Job = {
  name: "gather-digest",
  cron: "0 8 * * 1",
  backfillMs: 6 * DAY_MS,
  async run({ db, isOnce }) {
    // The cron of the system calls at any time: a week counts from the first line that waits.
    const digestsMade = await gatherDigest(db, { waitedMs: isOnce ? 7 * DAY_MS : 0 });
    return { changes: digestsMade, detail: { digestsMade } };
  },
};

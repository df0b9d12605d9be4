import { createPartitionsJob } from "./create-partitions.ts";
import { dropExpiredPartitionsJob } from "./drop-expired-partitions.ts";
import { expireRowsJob } from "./expire-rows.ts";
import { gatherDigestJob } from "./gather-digest.ts";
import type { Job } from "./job.ts";
import { mergePartitionsJob } from "./merge-partitions.ts";
import { sweepEffectsJob } from "./sweep-effects.ts";
import { unlockDeadRunnersJob } from "./unlock-dead-runners.ts";

/** Every job, in the order in which `triaged jobs --once` runs them. */
export const JOBS: readonly Job[] = [
  createPartitionsJob,
  dropExpiredPartitionsJob,
  expireRowsJob,
  unlockDeadRunnersJob,
  gatherDigestJob,
  sweepEffectsJob,
  // Last: it may take its time.
  mergePartitionsJob,
];

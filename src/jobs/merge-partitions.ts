import { setTimeout as delay } from "node:timers/promises";
import { type MergeStep, mergePartitions } from "../postgres/retention-store.ts";
import { codeOf, LOCK_NOT_AVAILABLE } from "../postgres/sqlstate.ts";
import type { Job } from "./job.ts";

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
export const mergePartitionsJob: Job = {
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
        await pause(WAIT_MS, signal);
        continue;
      }
      waits = 0;
      if (did.step === "swapped") {
        partitionsMade.push(...did.partitions);
      }
      await pause((performance.now() - beganAt) * (1 / WORK_SHARE - 1), signal);
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
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

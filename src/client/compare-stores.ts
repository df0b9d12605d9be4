/** Handlers for the time of a cut-over: they follow the older store, and compare both. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { defineHandler } from "../model/handler.ts";
import { PermanentError, Snooze } from "../model/outcome.ts";
import { isFinal } from "../model/task-status.ts";
import {
  type DualWriteStore,
  hundredth,
  idInOlderStore,
  type StoreTask,
  statusHere,
} from "./dual-write.ts";

const FOLLOW_EVERY_MS = 5_000;

/**
 * A handler for a task type whose work is still done by the workers of the older store: the task
 * here waits until it has ended there, and ends as it did. Nothing is done twice.
 */
export function followHandler(
  store: DualWriteStore,
  { everyMs = FOLLOW_EVERY_MS }: { readonly everyMs?: number } = {},
) {
  return defineHandler({
    payload: z.looseObject({}),
    result: z.unknown(),
    async run(_payload, { task }) {
      const id = idInOlderStore(task.metadata);
      if (id === null) throw new PermanentError("the task was not written to the older store");
      const there = await store.older.get(id);
      if (there === null) throw new PermanentError(`the older store has no task ${id}`);
      const status = statusHere(there);
      if (status === "finished") return there.result ?? null;
      if (status === "failed") {
        throw new PermanentError(there.error ?? "it failed in the older store");
      }
      if (status === "cancelled") {
        await store.client.cancel(task.taskId);
        throw new Error("it was cancelled in the older store");
      }
      throw new Snooze(everyMs, `the older store has it as ${there.status}`);
    },
  });
}

export type CompareOptions = {
  /** Of the tasks, those that are compared: each day others. @default 10 */
  readonly samplePercent?: number;
  /** A task that ended there no longer ago may still be under way here. @default 10 minutes */
  readonly behindMs?: number;
  /** One that ended longer ago may have been dropped here. @default 6 days */
  readonly keptMs?: number;
  readonly now?: Date;
};

export type StoreComparison = {
  /** Tasks of the older store, and those of them that were compared. */
  readonly read: number;
  readonly compared: number;
  /** Not counted as different: ended there a moment ago, or too long ago. */
  readonly behind: number;
  readonly dropped: number;
  readonly differing: number;
  /** Of those compared; 0 where none was. */
  readonly differingPercent: number;
  /** The first hundred. */
  readonly differences: readonly { readonly id: string; readonly problem: string }[];
};

const DIFFERENCES_MAX = 100;

/** Compare a sample of both stores. The sample of a day is always the same. */
export async function compareStores(
  store: DualWriteStore,
  options: CompareOptions = {},
): Promise<StoreComparison> {
  const { samplePercent = 10, now = new Date() } = options;
  const day = now.toISOString().slice(0, 10);
  const counts = { read: 0, compared: 0, behind: 0, dropped: 0, differing: 0 };
  const differences: { id: string; problem: string }[] = [];
  for await (const id of store.older.ids()) {
    counts.read += 1;
    if (hundredth(`${day} ${id}`) >= samplePercent) continue;
    const there = await store.older.get(id);
    // It was dropped there meanwhile.
    if (there === null) continue;
    const found = await compareTask(store, there, { ...options, now });
    if (found === "dropped") counts.dropped += 1;
    else counts.compared += 1;
    if (found === "behind") counts.behind += 1;
    if (typeof found !== "object" || found === null) continue;
    counts.differing += 1;
    if (differences.length < DIFFERENCES_MAX) differences.push({ id, ...found });
  }
  const share = counts.compared === 0 ? 0 : counts.differing / counts.compared;
  return { ...counts, differingPercent: share * 100, differences };
}

const BEHIND_MS = 600_000;
const KEPT_MS = 6 * 86_400_000;

async function compareTask(
  store: DualWriteStore,
  there: StoreTask,
  { behindMs = BEHIND_MS, keptMs = KEPT_MS, now = new Date() }: CompareOptions,
): Promise<{ problem: string } | "behind" | "dropped" | null> {
  const here = await store.getHere(there.id);
  const endedMs = there.endedAt === null ? null : now.getTime() - there.endedAt.getTime();
  if (here === null) {
    return endedMs !== null && endedMs > keptMs ? "dropped" : { problem: "missing in PostgreSQL" };
  }
  const [ours, theirs] = [statusHere(here), statusHere(there)];
  // What has not ended is followed, not copied: queued here may be started there.
  const hasEnded = (status: typeof ours) =>
    status !== undefined && status !== "blocked" && isFinal(status);
  if (theirs === undefined) return { problem: `unknown status ${there.status}` };
  if (!hasEnded(ours) && !hasEnded(theirs)) return differs(here, there);
  if (ours !== theirs) {
    const isBehind = !hasEnded(ours) && endedMs !== null && endedMs <= behindMs;
    return isBehind ? "behind" : { problem: `${ours} in PostgreSQL, ${theirs} in the older store` };
  }
  return ours === "finished" && !isDeepStrictEqual(here.result ?? null, there.result ?? null)
    ? { problem: "another result" }
    : differs(here, there);
}

function differs(here: StoreTask, there: StoreTask): { problem: string } | null {
  if (here.taskType !== there.taskType) return { problem: "another task type" };
  return isDeepStrictEqual(here.payload, there.payload) ? null : { problem: "another payload" };
}

/** Above it, the task of the comparison fails. */
const ALARM_PERCENT = 1;

/**
 * A handler that compares both stores, for a line of SCHEDULES_FILE. Its result is the comparison;
 * with too many differences the task fails, and is told of as any that fails.
 */
export function compareHandler(
  store: DualWriteStore,
  { alarmPercent = ALARM_PERCENT, ...options }: CompareOptions & { alarmPercent?: number } = {},
) {
  return defineHandler({
    payload: z.looseObject({}),
    async run(): Promise<StoreComparison> {
      const comparison = await compareStores(store, options);
      const { compared, differing, differingPercent, differences } = comparison;
      if (differingPercent > alarmPercent) {
        const first = differences.slice(0, 10).map(({ id, problem }) => `${id}: ${problem}`);
        throw new PermanentError(
          `${differing} of ${compared} tasks differ between both stores, more than ${alarmPercent} %; ${first.join("; ")}`,
        );
      }
      return comparison;
    },
  });
}

import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { getProgress, getTask } from "../database/reader.ts";
import type { TaskProgress, TaskRow } from "../database/rows.ts";
import { isTransient } from "../database/sqlstate.ts";
import { isFinal } from "../model/task-status.ts";

/** Looks are 50 ms apart at first, and a second apart later. */
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 1_000;
const PAUSE_FACTOR = 1.3;

export type WaitOptions = {
  /** Give up after so long; the task goes on. @default never */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** The task did not end in time. It goes on: wait again, or look later. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
  readonly taskId: string;

  constructor(taskId: string, timeoutMs: number) {
    super(`task ${taskId} did not end within ${timeoutMs} ms`);
    this.taskId = taskId;
  }
}

/**
 * Wait until a task is final, and resolve to its row; null for an unknown task. A connection
 * that is lost meanwhile is waited for as well. Polls, so that it works behind every pooler
 * and holds no connection. Throws a WaitTimeoutError, or the reason of the signal.
 */
export async function waitForTask(
  db: Database,
  taskId: string,
  options: WaitOptions & { onProgress?: (progress: TaskProgress) => Promise<void> } = {},
): Promise<TaskRow | null> {
  const { timeoutMs = Infinity, signal, onProgress } = options;
  const startedMs = performance.now();
  let pauseMs = PAUSE_MIN_MS;
  for (;;) {
    signal?.throwIfAborted();
    const progress = await look(db, taskId);
    if (progress === null) {
      return null;
    }
    if (progress !== "lost") {
      await onProgress?.(progress);
      if (isFinal(progress.status)) {
        return await getTask(db, taskId);
      }
    }
    const leftMs = timeoutMs - (performance.now() - startedMs);
    if (leftMs <= 0) {
      throw new WaitTimeoutError(taskId, timeoutMs);
    }
    await pause(Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * PAUSE_FACTOR);
  }
}

async function look(db: Database, taskId: string): Promise<TaskProgress | null | "lost"> {
  try {
    return await getProgress(db, taskId);
  } catch (err) {
    if (isTransient(err)) {
      return "lost";
    }
    throw err;
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (err) {
    signal?.throwIfAborted();
    throw err;
  }
}

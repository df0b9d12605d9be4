import type { HandlerContext } from "../handler.ts";
import { serializePayload } from "../payload.ts";
import type { Database } from "../postgres/database.ts";
import { enqueueTasks } from "../postgres/producer-store.ts";
import type { ClaimedTask } from "../task.ts";

/** What the handler of a task may ask of the queue. */
export type QueueAccess = Pick<HandlerContext, "enqueue" | "query">;

/**
 * Access on `db`, for the handler of `task`. Nothing is asked once `signal` has aborted: an
 * attempt that lost its task must not go on enqueueing for it.
 */
export function queueAccess(
  db: Database,
  { task, signal }: { task: ClaimedTask; signal: () => AbortSignal },
): QueueAccess {
  return {
    async enqueue(children) {
      signal().throwIfAborted();
      const tasks = children.map(({ payload, ...options }) => ({
        ...options,
        payload: serializePayload(payload),
        parentTaskId: task.taskId,
      }));
      return tasks.length === 0 ? [] : await enqueueTasks(db, tasks);
    },
    async query(text, values = []) {
      signal().throwIfAborted();
      return await db.query({ text, values });
    },
  };
}

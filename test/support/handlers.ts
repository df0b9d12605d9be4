/** What a worker has and gives to handlers: a claimed task, and the context of an attempt. */
import { pino } from "pino";
import { DATABASE, type Database, type WithDatabase } from "../../src/database/database.ts";
import type { HandlerContext } from "../../src/model/handler.ts";
import type { ClaimedTask, TaskInput } from "../../src/model/task.ts";

const EMPTY: Database = { schema: "triaged", query: () => Promise.resolve([]) };

/** What a handler gets from a worker, for a task that nobody holds; its database is empty. */
export function makeHandlerContext(
  parts: Partial<HandlerContext & WithDatabase> = {},
): HandlerContext & WithDatabase {
  return {
    task: {
      taskId: "1",
      taskType: "test",
      queue: "default",
      parentTaskId: null,
      rootTaskId: null,
      metadata: {},
    },
    attempt: 1,
    failureCount: 0,
    maxAttempts: 3,
    previousError: null,
    decision: null,
    signal: new AbortController().signal,
    logger: pino({ level: "silent" }),
    progress: () => {},
    note: () => {},
    enqueue: () => Promise.reject(new Error("expected a handler that enqueues nothing")),
    [DATABASE]: EMPTY,
    effects: { add: () => {} },
    ...parts,
  };
}

/** A task as a claim gives it: a first attempt at a `noop`, but for the parts given. */
export function makeClaimedTask(parts: Partial<ClaimedTask & TaskInput> = {}): ClaimedTask {
  return {
    taskId: "1",
    taskType: "noop",
    queue: "default",
    payloadText: "{}",
    attempt: 1,
    failureCount: 0,
    maxAttempts: 3,
    priority: 2,
    runAt: "2026-01-01 00:00:00+00",
    previousError: null,
    decisionText: null,
    parentTaskId: null,
    rootTaskId: null,
    metadataText: "{}",
    ...parts,
  };
}

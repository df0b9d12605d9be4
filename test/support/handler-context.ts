import { pino } from "pino";
import { DATABASE, type Database, type WithDatabase } from "../../src/database/database.ts";
import type { HandlerContext } from "../../src/model/handler.ts";

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

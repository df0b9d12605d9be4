// Goal: no sequence of events leads where the description of the queue does not.
// Method: fast-check makes up sequences of events on one task, drives them at the SQL and at a
// model of a few lines, and compares after each. A failing sequence is shrunk to its core.

import * as fc from "fast-check";
import type { Client } from "pg";
import { expect } from "vitest";
import type { TaskStatus } from "../../src/task-status.ts";
import { test } from "../support/db.ts";
import {
  call,
  claimTasks,
  enqueue,
  query,
  readTask,
  settle,
  startWorker,
} from "../support/tasks.ts";

const MAX_ATTEMPTS = 2;
const MAX_RESCUES = 3;

type Model = {
  status: TaskStatus;
  attempts: number;
  failures: number;
  rescues: number;
  cancelRequested: boolean;
};

type Event =
  | { on: "claim" | "rescue" | "cancel" | "decide" | "retry" }
  /** `age` 0 is the newest attempt, 1 the one before. */
  | { on: "finish" | "fail" | "soft fail" | "snooze" | "release" | "ask" | "give up"; age: 0 | 1 };

const EVENT: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Event>({ on: "claim" }) },
  fc.record({ on: fc.constantFrom("rescue", "cancel", "decide", "retry") }),
  {
    weight: 2,
    arbitrary: fc.record({
      on: fc.constantFrom("finish", "fail", "soft fail", "snooze", "release", "ask", "give up"),
      age: fc.constantFrom(0, 0, 0, 1),
    }),
  },
);

/** The queue in a few lines: what each event makes of a task. */
function next(model: Model, event: Event): Model {
  const { status, cancelRequested } = model;
  if ("age" in event) {
    if (status !== "started" || event.age === 1) {
      return model;
    }
    const end = (to: TaskStatus) => ({ ...model, status: to });
    const unlessCancelled = (to: TaskStatus) => end(cancelRequested ? "cancelled" : to);
    const failed = { ...model, failures: model.failures + 1 };
    switch (event.on) {
      case "finish":
        return end("finished");
      case "fail":
        return { ...failed, status: cancelRequested ? "cancelled" : "failed" };
      case "soft fail":
        return {
          ...failed,
          status: cancelRequested
            ? "cancelled"
            : failed.failures >= MAX_ATTEMPTS
              ? "failed"
              : "queued",
        };
      case "snooze":
      case "release":
        return unlessCancelled("queued");
      case "ask":
        return unlessCancelled("needs_decision");
      case "give up":
        return cancelRequested ? end("cancelled") : model;
    }
  }
  switch (event.on) {
    case "claim":
      return status === "queued"
        ? { ...model, status: "started", attempts: model.attempts + 1 }
        : model;
    case "rescue": {
      const rescues = model.rescues + 1;
      const to = cancelRequested ? "cancelled" : rescues >= MAX_RESCUES ? "failed" : "queued";
      return status === "started" ? { ...model, rescues, status: to } : model;
    }
    case "cancel":
      return status === "started"
        ? { ...model, cancelRequested: true }
        : status === "queued" || status === "needs_decision"
          ? { ...model, status: "cancelled" }
          : model;
    case "decide":
      return status === "needs_decision" ? { ...model, status: "queued" } : model;
    case "retry":
      return status === "failed" || status === "cancelled"
        ? { ...model, status: "queued", failures: 0, rescues: 0, cancelRequested: false }
        : model;
  }
}

const OUTCOMES: Record<string, string> = { "soft fail": "retry", "give up": "cancelled" };

async function drive(db: Client, taskId: string, event: Event, attempts: number): Promise<void> {
  if ("age" in event) {
    const outcome = OUTCOMES[event.on] ?? event.on;
    const attempt = attempts - event.age;
    await settle(db, [{ task_id: taskId, attempt, outcome, delay_ms: 0, error: "x" }]);
    return;
  }
  await db.query("savepoint event");
  try {
    switch (event.on) {
      case "claim":
        await claimTasks(db, await startWorker(db));
        break;
      case "rescue":
        await db.query("update triaged.workers set heartbeat_at = '-infinity'");
        await call(db, "rescue_tasks", { max_workers: 1_000, max_rescues: MAX_RESCUES });
        break;
      case "decide":
        await db.query("select triaged.decide_task($1, '1')", [taskId]);
        break;
      case "cancel":
      case "retry":
        await db.query(`select triaged.${event.on}_task($1)`, [taskId]);
        break;
    }
  } catch (err) {
    expect(err).toMatchObject({ code: "TR002" });
    await db.query("rollback to savepoint event");
  }
}

async function readModel(db: Client, taskId: string): Promise<unknown> {
  const task = await readTask(db, taskId);
  return {
    status: task["status"],
    attempts: task["attempt_count"],
    failures: task["failure_count"],
    rescues: task["rescue_count"],
    cancelRequested: task["cancel_requested_at"] !== null,
  };
}

test("whatever happens to a task, the SQL and the model agree", async ({ db }) => {
  await fc.assert(
    fc.asyncProperty(fc.array(EVENT, { maxLength: 14 }), async (events) => {
      await db.query("savepoint run");
      try {
        await runBeside(db, events);
      } finally {
        await db.query("rollback to savepoint run");
      }
    }),
    { numRuns: 60 },
  );
});

async function runBeside(db: Client, events: readonly Event[]): Promise<void> {
  const taskId = await enqueue(db, { max_attempts: MAX_ATTEMPTS });
  let model: Model = {
    status: "queued",
    attempts: 0,
    failures: 0,
    rescues: 0,
    cancelRequested: false,
  };
  for (const event of events) {
    await drive(db, taskId, event, model.attempts);
    model = next(model, event);
    expect(await readModel(db, taskId)).toEqual(model);
  }
  // Each row follows on the one before: only the request to cancel keeps the status.
  const still = await query(
    db,
    `select from (
       select event, status, lag(status) over (order by history_id) as before
       from triaged.task_history where task_id = $1
     ) as steps
     where status = before and (event, status) <> ('cancel', 'started')`,
    [taskId],
  );
  expect(still).toEqual([]);
}

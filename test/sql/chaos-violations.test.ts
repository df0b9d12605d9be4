// Goal: what `npm run chaos` looks for is found where it is there. Each test damages the
// tables as no function of the queue can, with the triggers off.

import type { Client } from "pg";
import { expect } from "vitest";
import { findViolations } from "../chaos/account/violations.ts";
import { test } from "../support/connections.ts";
import { claimTasks, enqueue, settle, startWorker } from "../support/tasks.ts";

/** A task that was run to its end, as the handlers of the chaos run end theirs. */
async function finishOne(db: Client, given: Record<string, unknown> = {}) {
  const taskId = await enqueue(db, { payload: { of: 1 }, ...given });
  const [task] = await claimTasks(db, await startWorker(db));
  const attempt = Number(task?.attempt_count);
  await settle(db, [{ task_id: taskId, attempt, outcome: "finish", result: { of: 1, attempt } }]);
  return { taskId, attempt };
}

async function damage(db: Client, statement: string, values: unknown[] = []): Promise<void> {
  await db.query("set local session_replication_role = replica");
  const { rowCount } = await db.query(statement, values);
  await db.query("set local session_replication_role = origin");
  expect(rowCount).toBe(1);
}

async function rulesBroken(db: Client, acknowledged: string[] = [], executions = [] as Run[]) {
  const violations = await findViolations(db, { acknowledged, executions });
  return Object.fromEntries(violations.map(({ rule, taskIds }) => [rule, taskIds]));
}
type Run = { taskId: string; attempt: number };

test("a task that was worked off breaks no rule", async ({ db }) => {
  const { taskId, attempt } = await finishOne(db);

  expect(await rulesBroken(db, [taskId], [{ taskId, attempt }])).toEqual({});
});

test("a task that is not there, or not ended, is lost", async ({ db }) => {
  const live = await enqueue(db);

  expect(await rulesBroken(db, [live, "999999"])).toEqual({
    lost: [live, "999999"],
    "not drained": [live],
  });
});

test.for(["finish", "fail", "rescue", "release", "snooze"])(
  "an attempt with a second end, %s, was recorded twice",
  async (event, { db }) => {
    const { taskId, attempt } = await finishOne(db);
    const status = event === "finish" ? "finished" : "queued";
    await damage(
      db,
      `insert into triaged.task_history (task_id, task_type, at, event, status, attempt_count, actor)
       values ($1, 'noop', now(), $2, $3, $4, 'worker')`,
      [taskId, event, status, attempt],
    );

    expect(await rulesBroken(db)).toMatchObject({ "recorded twice": [taskId] });
  },
);

test("an attempt that was claimed twice was recorded twice", async ({ db }) => {
  const { taskId } = await finishOne(db);
  await damage(
    db,
    `insert into triaged.task_history (task_id, task_type, at, event, status, attempt_count, actor)
     select task_id, task_type, at, event, status, attempt_count, actor
     from triaged.task_history where task_id = $1 and event = 'claim'`,
    [taskId],
  );

  expect(await rulesBroken(db)).toMatchObject({ "recorded twice": [taskId] });
});

test("a task that is live and final ended twice", async ({ db }) => {
  const { taskId } = await finishOne(db);
  await damage(
    db,
    `insert into triaged.live_tasks (task_id, task_type, payload, run_at, created_at)
     overriding system value values ($1, 'noop', '{}', now(), now())`,
    [taskId],
  );

  expect(await rulesBroken(db)).toMatchObject({ "ended twice": [taskId] });
});

test("a final task whose history ends otherwise has a wrong end", async ({ db }) => {
  const { taskId } = await finishOne(db);
  await damage(db, "update triaged.final_tasks set status = 'failed' where task_id = $1", [taskId]);

  expect(await rulesBroken(db)).toEqual({ "wrong end": [taskId] });
});

test.for(['{"of": 2, "attempt": 1}', '{"of": 1, "attempt": 2}'])(
  "a result of another task or attempt is found: %s",
  async (result, { db }) => {
    const { taskId } = await finishOne(db);
    await damage(db, "update triaged.final_tasks set result = $2 where task_id = $1", [
      taskId,
      result,
    ]);

    expect(await rulesBroken(db)).toEqual({ "wrong result": [taskId] });
  },
);

test("two tasks of one key were enqueued twice", async ({ db }) => {
  await finishOne(db, { dedupe_key: "a key" });
  const { taskId } = await finishOne(db);
  await damage(db, "update triaged.final_tasks set dedupe_key = 'a key' where task_id = $1", [
    taskId,
  ]);

  expect(await rulesBroken(db)).toEqual({ "enqueued twice": [taskId] });
});

test("runs of a handler are held against the claims", async ({ db }) => {
  const { taskId, attempt } = await finishOne(db);
  const run = { taskId, attempt };

  expect(await rulesBroken(db, [], [run, run])).toEqual({ "one attempt, two runs": [taskId] });
  expect(await rulesBroken(db, [], [run, { taskId, attempt: 2 }])).toEqual({
    "run without claim": [taskId],
  });
});

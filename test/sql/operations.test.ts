// Goal: each action of a person is one operation, in the transaction of its effect, with who, why
// and through which door; history names it; what changed nothing is none.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  currentRole,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readHistory,
  refusal,
  settle,
  startTask,
} from "../support/tasks.ts";
import { seedTask } from "../support/transitions.ts";

async function readOperations(db: Client) {
  return await query(
    db,
    "select operation_id, action, actor, reason, door, task_id, target, change from triaged.operations order by operation_id",
  );
}

/** What the newest row of a task's history says beside the event. */
async function lastDetail(db: Client, taskId: string) {
  const { event, detail } = (await readHistory(db, taskId)).at(-1) ?? {};
  return { event, detail };
}

async function say(db: Client, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await db.query("select set_config($1, $2, true)", [`triaged.${name}`, value]);
  }
}

test("a cancel by id is one operation with actor, reason and door, and history names it", async ({
  db,
}) => {
  const taskId = await enqueue(db);
  await say(db, { actor: "ann", reason: "wrong customer", door: "rest" });

  await db.query("select triaged.cancel_task($1)", [taskId]);

  const [operation, ...others] = await readOperations(db);
  expect(others).toEqual([]);
  expect(operation).toMatchObject({
    action: "cancel",
    actor: "ann",
    reason: "wrong customer",
    door: "rest",
    task_id: taskId,
  });
  expect(await lastDetail(db, taskId)).toEqual({
    event: "cancel",
    detail: { operation_id: Number(operation?.["operation_id"]) },
  });
});

test("without settings the actor is the login, the door is SQL and there is no reason", async ({
  db,
}) => {
  await db.query("select triaged.cancel_task($1)", [await enqueue(db)]);

  expect(await readOperations(db)).toMatchObject([
    { actor: await currentRole(db), reason: null, door: "sql" },
  ]);
});

test("the work of producers and workers is no operation", async ({ db }) => {
  await enqueue(db);
  const task = await claim(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "well?" })]);
  const other = await startTask(db);
  await settle(db, [outcomeOf(other, "fail", { error: "no" })]);

  expect(await readOperations(db)).toEqual([]);
});

const TASK_ACTIONS = [
  { action: "retry", status: "failed", statement: "select triaged.retry_task($1)", event: "retry" },
  {
    action: "decide",
    status: "needs_decision",
    statement: `select triaged.decide_task($1, '"yes"')`,
    event: "decide",
  },
  {
    action: "cancel",
    status: "started",
    statement: "select triaged.cancel_task($1)",
    event: "cancel",
  },
  {
    action: "change_priority",
    status: "queued",
    statement: "select triaged.change_priority($1, 0)",
    event: "change",
    change: { priority: 0 },
  },
  {
    action: "change_run_at",
    status: "queued",
    statement: "select triaged.change_run_at($1, '2030-01-02 03:04:05+00')",
    event: "change",
    change: { run_at: "2030-01-02T03:04:05Z" },
  },
] as const;

test.for(TASK_ACTIONS)("$action is recorded, and told by history", async (given, { db }) => {
  const { task_id } = await seedTask(db, given.status);

  await db.query(given.statement, [task_id]);

  const [operation] = await readOperations(db);
  const change = "change" in given ? given.change : null;
  expect(operation).toMatchObject({ action: given.action, task_id, change });
  expect(await lastDetail(db, task_id)).toEqual({
    event: given.event,
    detail: { operation_id: Number(operation?.["operation_id"]), ...change },
  });
});

test.for([
  { status: "finished", statement: "select triaged.cancel_task($1)" },
  { status: "finished", statement: "select triaged.retry_task($1)" },
  { status: "queued", statement: `select triaged.decide_task($1, '"yes"')` },
  { status: "failed", statement: "select triaged.change_priority($1, 0)" },
  { status: "started", statement: "select triaged.change_run_at($1)" },
] as const)("a refused $statement of a $status task is no operation", async (given, { db }) => {
  const { task_id } = await seedTask(db, given.status);

  const { code } = await refusal(db, () => db.query(given.statement, [task_id]));

  expect(code).toBe("TR002");
  expect(await readOperations(db)).toEqual([]);
});

test("actions on what is no task are recorded, each once", async ({ db }) => {
  const taskId = await enqueue(db);
  const statements = [
    "select triaged.pause_queue('mail')",
    "select triaged.resume_queue('mail')",
    "select triaged.pause_task_type('noop')",
    "select triaged.resume_task_type('noop')",
    "select triaged.pause_schedule('nightly')",
    "select triaged.resume_schedule('nightly')",
    `select triaged.run_schedule('nightly', '{"task_type": "noop"}')`,
    "select triaged.save_repository('o/a')",
    "select triaged.save_relationship('o/a', 'o/b', 'api_consumer')",
    "select triaged.remove_relationship('o/a', 'o/b')",
    `select triaged.save_relationship_settings('file', '{"version": 1}')`,
    "select triaged.save_setting('task_retention_days', '8')",
    `select triaged.set_push_config(${taskId}, 'https://example.org/hook', 'a-secret')`,
    "select triaged.delete_push_config(task_id, id) from triaged.push_configs",
  ];
  for (const statement of statements) {
    await db.query(statement);
  }

  const operations = await readOperations(db);
  expect(operations.map(({ action }) => action)).toEqual([
    "pause_queue",
    "resume_queue",
    "pause_task_type",
    "resume_task_type",
    "pause_schedule",
    "resume_schedule",
    "run_schedule",
    "save_repository",
    "save_relationship",
    "remove_relationship",
    "save_relationship_settings",
    "save_setting",
    "set_push_config",
    "delete_push_config",
  ]);
  // Neither its address nor its token.
  expect(JSON.stringify(operations)).not.toMatch(/secret|example/);
});

test("an action that changes nothing is no operation", async ({ db }) => {
  await db.query("select triaged.pause_queue('mail')");
  await db.query("select triaged.save_relationship('o/a', 'o/b', 'api_consumer')");
  const taskId = await enqueue(db);
  const running = await startTask(db, { priority: 0 });
  await db.query("select triaged.cancel_task($1)", [running.task_id]);
  const before = await readOperations(db);

  await db.query("select triaged.pause_queue('mail')");
  await db.query("select triaged.resume_queue('other')");
  await db.query("select triaged.save_relationship('o/a', 'o/b', 'api_consumer')");
  await db.query("select triaged.change_priority($1, 2)", [taskId]);
  await db.query("select triaged.change_run_at($1)", [taskId]);
  await db.query("select triaged.retry_effect(1)");
  await db.query("select triaged.cancel_task($1)", [running.task_id]);

  expect(await readOperations(db)).toEqual(before);
});

test("an effect that is delivered after all is an operation of its task", async ({ db }) => {
  await db.query(
    `insert into triaged.effects (task_id, kind, effect_key, payload, status, due_at, created_at)
     values (7, 'webhook', 'k', '{}', 'failed', now(), now())`,
  );
  const { effect_id } = await queryOne(db, "select effect_id from triaged.effects");

  await db.query("select triaged.retry_effect($1)", [effect_id]);

  expect(await readOperations(db)).toMatchObject([
    { action: "retry_effect", task_id: "7", target: { effect_id: Number(effect_id) } },
  ]);
});

test("nobody changes or deletes an operation", async ({ db }) => {
  await db.query("select triaged.pause_queue('mail')");

  for (const statement of [
    "update triaged.operations set actor = 'eve'",
    "delete from triaged.operations",
    "truncate triaged.operations cascade",
  ]) {
    const { code } = await refusal(db, () => db.query(statement));
    expect({ statement, code }).toEqual({ statement, code: "TR002" });
  }
});

test("operations are kept for as long as a row of history may name them", async ({ db }) => {
  await db.query("select triaged.pause_queue('old')");
  await say(db, { fake_now: new Date(Date.now() + 400 * 86_400_000).toISOString() });
  await db.query("select triaged.pause_queue('new')");

  // The oldest partition of history is from before the first of them.
  expect(await call(db, "expire_operations")).toEqual([{ expire_operations: 0 }]);

  await db.query("set constraints all immediate");
  await query(db, "select triaged.drop_expired_partitions()");
  expect(await call(db, "expire_operations")).toEqual([{ expire_operations: 1 }]);
  expect(await readOperations(db)).toMatchObject([{ target: { queue: "new" } }]);
});

test.for([
  { name: "door", value: "window" },
  { name: "reason", value: "x".repeat(2001) },
  { name: "actor", value: "worker" },
])("a $name that cannot be is refused, with what it was for", async ({ name, value }, { db }) => {
  const taskId = await enqueue(db);
  await say(db, { [name]: value });

  const { code } = await refusal(db, () => db.query("select triaged.cancel_task($1)", [taskId]));

  expect(code).toBe("22023");
});

test("a paused schedule enqueues nothing until it is resumed, and runs by hand", async ({ db }) => {
  const due = () =>
    call(db, "enqueue_scheduled", {
      schedule: "nightly",
      due_at: "2026-01-01T00:00:00Z",
      task: { task_type: "noop" },
    });
  await db.query("select triaged.pause_schedule('nightly')");

  expect(await due()).toEqual([]);
  expect(
    await call(db, "run_schedule", { schedule: "nightly", task: { task_type: "noop" } }),
  ).toMatchObject([{ outcome: "created" }]);

  await db.query("select triaged.resume_schedule('nightly')");
  expect(await due()).toMatchObject([{ outcome: "created" }]);
});

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  enqueue,
  outcomeOf,
  query,
  readEvents,
  readHistory,
  readTask,
  refusal,
  setClock,
  settle,
} from "../support/tasks.ts";

const KEY = { task_type: "noop", dedupe_key: "k" };
const REPLACE = { ...KEY, dedupe_mode: "replace" };

const enqueueKey = (db: Parameters<typeof call>[0], given = {}) =>
  call<{ task_id: string; outcome: string }>(db, "enqueue_task", { ...KEY, ...given });

test("a key is held by its task while that is live", async ({ db }) => {
  const taskId = await enqueue(db, KEY);

  const answers = [await enqueueKey(db, { payload: { newer: true } })];
  const task = await claim(db);
  answers.push(await enqueueKey(db));

  const duplicate = [{ task_id: taskId, outcome: "duplicate" }];
  expect(answers).toEqual([duplicate, duplicate]);
  expect(await readTask(db, taskId)).toMatchObject({ payload: {} });
  await settle(db, [outcomeOf(task, "finish")]);
  expect(await enqueueKey(db)).toMatchObject([{ outcome: "created" }]);
});

test("a duplicate writes nothing", async ({ db }) => {
  const taskId = await enqueue(db, KEY);

  await enqueueKey(db, { payload: { newer: true }, priority: 0 });

  expect(await query(db, "select task_id from triaged.tasks")).toEqual([{ task_id: taskId }]);
  expect(await query(db, "select event from triaged.task_history")).toEqual([{ event: "enqueue" }]);
});

test("a window holds the key longer than its task", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { ...KEY, dedupe_for: "1 hour" });
  await settle(db, [outcomeOf(await claim(db), "finish")]);

  await setClock(db, "2026-01-01T00:59:59Z");
  expect(await enqueueKey(db)).toEqual([{ task_id: taskId, outcome: "duplicate" }]);

  await setClock(db, "2026-01-01T01:00:00Z");
  expect(await enqueueKey(db)).toMatchObject([{ outcome: "created" }]);
});

test("a task holds the key longer than its window", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { ...KEY, dedupe_for: "1 hour" });

  await setClock(db, "2026-01-02T00:00:00Z");

  expect(await enqueueKey(db)).toEqual([{ task_id: taskId, outcome: "duplicate" }]);
});

test("a queued task is replaced as if it were enqueued anew", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { ...KEY, max_attempts: 3, payload: { n: 1 } });
  await settle(db, [outcomeOf(await claim(db), "retry", { error: "busy" })]);
  const newer = {
    dedupe_key: "k",
    task_type: "other",
    payload: { n: 2 },
    queue: "night",
    priority: 0,
    max_attempts: 5,
    run_at: "2026-01-01T12:00:00.000Z",
    metadata: { by: "second" },
  };

  expect(await enqueueKey(db, { ...newer, dedupe_mode: "replace" })).toEqual([
    { task_id: taskId, outcome: "replaced" },
  ]);

  expect(await readTask(db, taskId)).toMatchObject({
    ...newer,
    run_at: new Date(newer.run_at),
    status: "queued",
    failure_count: 0,
    attempt_count: 1,
    error: null,
  });
  expect(await readEvents(db, taskId)).toEqual(["enqueue", "claim", "fail", "replace"]);
  expect((await readHistory(db, taskId)).at(-1)).toMatchObject({
    status: "queued",
    wait_ms: null,
    duration_ms: null,
  });
});

test("a started task is not replaced: a new one takes the key over", async ({ db }) => {
  const started = await enqueue(db, { ...KEY, payload: { n: 1 } });
  const task = await claim(db);

  const answers = await enqueueKey(db, { dedupe_mode: "replace", payload: { n: 2 } });

  expect(answers).toMatchObject([{ outcome: "created" }]);
  expect(await readTask(db, started)).toMatchObject({ status: "started", payload: { n: 1 } });
  await settle(db, [outcomeOf(task, "finish")]);
  expect(await enqueueKey(db)).toEqual([{ task_id: answers[0]?.task_id, outcome: "duplicate" }]);
});

test("a task that takes a key over keeps its window", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await enqueue(db, { ...KEY, dedupe_for: "1 hour" });
  await claim(db);
  const [newer] = await enqueueKey(db, { dedupe_mode: "replace" });
  await db.query("select triaged.cancel_task($1)", [newer?.task_id]);

  await setClock(db, "2026-01-01T00:59:59Z");

  expect(await enqueueKey(db)).toEqual([{ task_id: newer?.task_id, outcome: "duplicate" }]);
});

test("within the window of a task that ended, replace is a duplicate", async ({ db }) => {
  const taskId = await enqueue(db, { ...KEY, dedupe_for: "1 hour" });
  await db.query("select triaged.cancel_task($1)", [taskId]);

  expect(await enqueueKey(db, { dedupe_mode: "replace" })).toEqual([
    { task_id: taskId, outcome: "duplicate" },
  ]);
});

test("a replacement prolongs the window, and never shortens it", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await enqueue(db, { ...REPLACE, dedupe_for: "2 hours" });
  await enqueueKey(db, { dedupe_mode: "replace", dedupe_for: "1 hour" });
  const [shorter] = await query(db, "select until from triaged.dedupe_keys");
  await enqueueKey(db, { dedupe_mode: "replace", dedupe_for: "3 hours" });
  const [longer] = await query(db, "select until from triaged.dedupe_keys");

  expect([shorter, longer]).toEqual([
    { until: new Date("2026-01-01T02:00:00Z") },
    { until: new Date("2026-01-01T03:00:00Z") },
  ]);
});

test("a rollback frees the key", async ({ db }) => {
  await db.query("savepoint caller");
  const first = await enqueue(db, KEY);
  await db.query("rollback to savepoint caller");

  const [second] = await enqueueKey(db);

  expect(second).toMatchObject({ outcome: "created" });
  expect(second?.task_id).not.toBe(first);
});

test("the sweep takes keys that nobody holds", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await enqueue(db, { ...KEY, dedupe_key: "live" });
  for (const [dedupe_key, dedupe_for] of [
    ["ended", null],
    ["window", "1 hour"],
    ["past", "1 minute"],
  ]) {
    const taskId = await enqueue(db, { dedupe_key, dedupe_for });
    await db.query("select triaged.cancel_task($1)", [taskId]);
  }
  await setClock(db, "2026-01-01T00:01:00Z");

  expect(await call(db, "expire_rows")).toMatchObject([{ dedupe_keys: 2 }]);

  expect(await query(db, "select dedupe_key from triaged.dedupe_keys order by dedupe_key")).toEqual(
    [{ dedupe_key: "live" }, { dedupe_key: "window" }],
  );
});

test("a retried task takes its key again", async ({ db }) => {
  const taskId = await enqueue(db, KEY);
  await db.query("select triaged.cancel_task($1)", [taskId]);

  await db.query("select triaged.retry_task($1)", [taskId]);

  expect(await enqueueKey(db)).toEqual([{ task_id: taskId, outcome: "duplicate" }]);
});

test("a retried task takes its key over from the window of one that ended", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, KEY);
  await db.query("select triaged.cancel_task($1)", [taskId]);
  const other = await enqueue(db, { ...KEY, dedupe_for: "1 hour" });
  await db.query("select triaged.cancel_task($1)", [other]);
  await db.query("select triaged.retry_task($1)", [taskId]);

  await setClock(db, "2026-01-01T01:00:00Z");

  expect(await enqueueKey(db)).toEqual([{ task_id: taskId, outcome: "duplicate" }]);
});

test("a task whose key another one holds by now is not retried", async ({ db }) => {
  const taskId = await enqueue(db, KEY);
  await db.query("select triaged.cancel_task($1)", [taskId]);
  const holder = await enqueue(db, KEY);

  const refused = await refusal(db, () => db.query("select triaged.retry_task($1)", [taskId]));

  expect(refused).toMatchObject({
    code: "TR002",
    message: `task ${taskId} cannot be retried: task ${holder} holds its dedupe key`,
    hint: "Wait for that task to end, or cancel it.",
  });
  expect(await readTask(db, taskId)).toMatchObject({ status: "cancelled" });
});

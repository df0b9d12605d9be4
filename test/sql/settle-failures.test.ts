import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  enqueue,
  outcomeOf,
  queryOne,
  readEvents,
  readHistory,
  readTask,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

test("a task is tried until its failures are max_attempts", async ({ db }) => {
  const taskId = await enqueue(db, { max_attempts: 3 });

  const statuses = [];
  for (const failure of ["first", "second", "third"]) {
    const outcome = outcomeOf(await claim(db), "retry", { error: failure, delay_ms: 0 });
    statuses.push((await settle(db, [outcome]))[0]?.status);
  }

  expect(statuses).toEqual(["queued", "queued", "failed"]);
  expect(await readTask(db, taskId)).toMatchObject({
    failure_count: 3,
    attempt_count: 3,
    error: "third",
  });
  expect(await readEvents(db, taskId)).toEqual([
    "enqueue",
    "claim",
    "fail",
    "claim",
    "fail",
    "claim",
    "fail",
  ]);
});

test("a permanent failure ends a task at once", async ({ db }) => {
  const task = await startTask(db, { max_attempts: 3 });

  await settle(db, [outcomeOf(task, "fail", { error: "bad payload" })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "failed",
    failure_count: 1,
    error: "bad payload",
    worker_id: task["worker_id"] ?? expect.any(String),
  });
});

test("a failed attempt waits for as long as the worker says", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);

  await settle(db, [outcomeOf(task, "retry", { error: "busy", delay_ms: 90_500 })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    run_at: new Date("2026-01-01T00:01:30.500Z"),
    worker_id: null,
    started_at: null,
  });
});

test.for([
  { failures: 1, seconds: 1 },
  { failures: 3, seconds: 4 },
  { failures: 9, seconds: 256 },
  { failures: 10, seconds: 300 },
  { failures: 100, seconds: 300 },
])("after $failures failures the backoff is at most $seconds s", async (given, { db }) => {
  const { least, most, distinct } = await queryOne<Record<string, number>>(
    db,
    `select
       extract(epoch from min(wait))::float as least,
       extract(epoch from max(wait))::float as most,
       count(distinct wait)::integer as distinct
     from (
       select triaged.backoff($1) as wait from generate_series(1, 1000)
     ) as waits`,
    [given.failures],
  );

  expect(least).toBeGreaterThanOrEqual(0);
  expect(most).toBeLessThanOrEqual(given.seconds);
  // Uniform over the whole range: among a thousand, some are in the first and last tenth.
  expect(least).toBeLessThan(given.seconds / 10);
  expect(most).toBeGreaterThan(given.seconds * 0.9);
  expect(distinct).toBeGreaterThan(900);
});

test("without a delay, backoff follows the failures that came before", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);

  await settle(db, [outcomeOf(task, "retry", { error: "busy" })]);

  const { run_at } = await readTask(db, task.task_id);
  expect(Number(run_at)).toBeGreaterThan(Date.parse("2026-01-01T00:00:00Z"));
  expect(Number(run_at)).toBeLessThanOrEqual(Date.parse("2026-01-01T00:00:01Z"));
});

test("history tells the class of a failure, final or not", async ({ db }) => {
  const first = await startTask(db);
  await settle(db, [
    outcomeOf(first, "retry", { error: "slow", delay_ms: 0, detail: { class: "timeout" } }),
  ]);
  const second = await claim(db);

  await settle(db, [outcomeOf(second, "fail", { error: "no key", detail: { class: "auth" } })]);

  const history = await readHistory(db, first.task_id);
  expect(history.map(({ event, error, detail }) => ({ event, error, detail }))).toEqual([
    { event: "enqueue", error: null, detail: null },
    { event: "claim", error: null, detail: null },
    { event: "fail", error: "slow", detail: { class: "timeout" } },
    { event: "claim", error: null, detail: null },
    { event: "fail", error: "no key", detail: { class: "auth" } },
  ]);
});

test("the class of a failure does not spill into the next statement", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [
    outcomeOf(task, "retry", { error: "slow", delay_ms: 0, detail: { class: "timeout" } }),
  ]);

  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  expect((await readHistory(db, task.task_id)).at(-1)).toMatchObject({
    event: "cancel",
    detail: { operation_id: expect.any(Number) },
  });
});

test("an error text is stored up to 8192 characters", async ({ db }) => {
  const task = await startTask(db);

  await settle(db, [outcomeOf(task, "fail", { error: "é".repeat(10_000) })]);

  expect((await readTask(db, task.task_id))["error"]).toBe("é".repeat(8192));
  expect((await readHistory(db, task.task_id)).at(-1)).toMatchObject({
    error: "é".repeat(8192),
  });
});

test("a claim hands out the error of the attempt before", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "retry", { error: "busy", delay_ms: 0 })]);

  expect(await claim(db)).toMatchObject({ error: "busy", failure_count: 1, attempt_count: 2 });
});

test("a finished task has no error left", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "retry", { error: "busy", delay_ms: 0 })]);

  await settle(db, [outcomeOf(await claim(db), "finish", { result: { answer: 42 } })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "finished",
    error: null,
    result: { answer: 42 },
  });
});

test("a budget that was lowered by hand ends the task, not the batch", async ({ db }) => {
  const lowered = await startTask(db, { max_attempts: 3 });
  await settle(db, [outcomeOf(lowered, "retry", { error: "busy", delay_ms: 0 })]);
  await db.query("update triaged.tasks set max_attempts = 1 where task_id = $1", [lowered.task_id]);
  const again = await claim(db);
  const other = await startTask(db);

  const settled = await settle(db, [
    outcomeOf(again, "retry", { error: "busy", delay_ms: 0 }),
    outcomeOf(other, "retry", { error: "busy", delay_ms: 0 }),
  ]);

  expect(new Map(settled.map(({ task_id, status }) => [task_id, status]))).toEqual(
    new Map([
      [again.task_id, "failed"],
      [other.task_id, "queued"],
    ]),
  );
});

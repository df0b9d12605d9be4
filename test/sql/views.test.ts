import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  setClock,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

test("queue_depth tells what waits, what is due and since when", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await enqueue(db);
  await enqueue(db, { run_at: "2026-01-01T00:00:30Z" });
  await enqueue(db, { run_at: "2026-01-02T00:00:00Z" });
  await startTask(db, { priority: 0 });
  await enqueue(db, { task_type: "other", queue: "night", run_at: "2026-01-02T00:00:00Z" });
  await setClock(db, "2026-01-01T00:01:00Z");

  const rows = await query(
    db,
    `select queue, task_type, status, count::integer, due::integer, oldest_age::text
     from triaged.queue_depth order by queue, status`,
  );

  expect(rows).toEqual([
    {
      queue: "default",
      task_type: "noop",
      status: "queued",
      count: 3,
      due: 2,
      oldest_age: "00:01:00",
    },
    { queue: "default", task_type: "noop", status: "started", count: 1, due: 0, oldest_age: null },
    {
      queue: "night",
      task_type: "other",
      status: "queued",
      count: 1,
      due: 0,
      oldest_age: null,
    },
  ]);
});

test("task_statistics tells how much ended, how fast and how it went", async ({ db }) => {
  for (const [minute, outcome] of [
    ["00", "finish"],
    ["10", "finish"],
    ["20", "finish"],
    ["50", "fail"],
  ] as const) {
    await setClock(db, `2026-01-01T00:${minute}:00Z`);
    await enqueue(db);
    await setClock(db, `2026-01-01T00:${minute}:01Z`);
    const task = await claim(db);
    await setClock(db, `2026-01-01T00:${minute}:04Z`);
    await settle(db, [outcomeOf(task, outcome, { error: "x" })]);
  }
  await enqueue(db);
  await setClock(db, "2026-01-01T01:05:00Z");

  const rows = await query(
    db,
    `select *, count::integer as count, round(per_minute, 3)::text as per_minute
     from triaged.task_statistics order by status`,
  );

  const durations = {
    avg_duration_seconds: 3,
    wait_seconds_p50: 1,
    wait_seconds_p95: 1,
    run_seconds_p50: 3,
    run_seconds_p95: 3,
  };
  expect(rows).toEqual([
    {
      task_type: "noop",
      status: "failed",
      count: 1,
      share: 0.25,
      per_minute: "0.017",
      last_completed: new Date("2026-01-01T00:50:04Z"),
      ...durations,
    },
    {
      task_type: "noop",
      status: "finished",
      count: 3,
      share: 0.75,
      per_minute: "0.033",
      last_completed: new Date("2026-01-01T00:20:04Z"),
      ...durations,
    },
  ]);
});

test("task_statistics forgets what ended a day ago", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await settle(db, [outcomeOf(await startTask(db), "finish")]);

  await setClock(db, "2026-01-02T00:00:00Z");

  expect(await query(db, "select from triaged.task_statistics")).toEqual([]);
});

test("worker_activity tells who lives, who is silent and how the others ended", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await startWorker(db, { name: "gone for long" }).then((workerId) =>
    db.query("select triaged.end_worker($1)", [workerId]),
  );
  await setClock(db, "2026-01-03T00:00:00Z");
  const ended = await startWorker(db, { name: "ended" });
  await db.query("select triaged.end_worker($1, 'shut down')", [ended]);
  await startWorker(db, { name: "silent" });
  await setClock(db, "2026-01-03T00:00:16Z");
  const alive = await startWorker(db, { name: "alive", concurrency: 4, host: "h", pid: 7 });
  const taskIds = [await enqueue(db), await enqueue(db)];
  await claimTasks(db, alive);

  const rows = await query(
    db,
    `select name, state, held::integer, task_ids, end_reason, host, pid, concurrency
     from triaged.worker_activity order by worker_id`,
  );

  const idle = { held: 0, task_ids: null, end_reason: null, host: null, pid: null, concurrency: 1 };
  expect(rows).toEqual([
    { ...idle, name: "ended", state: "ended", end_reason: "shut down" },
    { ...idle, name: "silent", state: "silent" },
    {
      ...idle,
      name: "alive",
      state: "alive",
      held: 2,
      task_ids: expect.arrayContaining(taskIds),
      host: "h",
      pid: 7,
      concurrency: 4,
    },
  ]);
});

test("dead_letters lists what failed for good, and a retry takes it out", async ({ db }) => {
  const failed = await startTask(db, { payload: { a: 1 } });
  const finished = await startTask(db);
  await settle(db, [outcomeOf(failed, "fail", { error: "broken" }), outcomeOf(finished, "finish")]);
  const read = () => query(db, "select task_id, payload, error from triaged.dead_letters");

  expect(await read()).toEqual([{ task_id: failed.task_id, payload: { a: 1 }, error: "broken" }]);
  await db.query("select triaged.retry_task(task_id) from triaged.dead_letters");
  expect(await read()).toEqual([]);
});

test("attention lists what waits for a person, and what runs for too long", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const asked = await startTask(db);
  const failed = await startTask(db);
  const stuck = await startTask(db);
  await db.query("select triaged.report_progress($1, 1, 10, 'cloning')", [stuck.task_id]);
  await settle(db, [
    outcomeOf(asked, "ask", { prompt: "merge it?" }),
    outcomeOf(failed, "fail", { error: "broken" }),
  ]);
  await setClock(db, "2026-01-01T00:30:00Z");
  await startTask(db);
  await enqueue(db);
  await setClock(db, "2026-01-01T01:00:01Z");

  const rows = await query(
    db,
    "select task_id, reason, detail from triaged.attention order by task_id",
  );

  expect(rows).toEqual([
    { task_id: asked.task_id, reason: "needs_decision", detail: "merge it?" },
    { task_id: failed.task_id, reason: "failed", detail: "broken" },
    { task_id: stuck.task_id, reason: "stuck", detail: "cloning" },
  ]);
});

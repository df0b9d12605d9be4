import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  outcomeOf,
  readTask,
  setClock,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

test("a snoozed task comes back after its delay, and counts no failure", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db, { max_attempts: 1 });

  await settle(db, [outcomeOf(task, "snooze", { delay_ms: 60_000 })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    run_at: new Date("2026-01-01T00:01:00Z"),
    attempt_count: 1,
    failure_count: 0,
    worker_id: null,
  });
});

test.for(["snooze", "retry"] as const)(
  "a %s of ages is cut to 366 days",
  async (outcome, { db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const task = await startTask(db);

    await settle(db, [outcomeOf(task, outcome, { delay_ms: Number.MAX_SAFE_INTEGER })]);

    expect(await readTask(db, task.task_id)).toMatchObject({
      status: "queued",
      run_at: new Date("2027-01-02T00:00:00Z"),
    });
  },
);

test("a released task is due at once, and counts no failure", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db, { max_attempts: 1 });
  await setClock(db, "2026-01-01T00:00:07Z");

  await settle(db, [outcomeOf(task, "release")]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    run_at: new Date("2026-01-01T00:00:07Z"),
    failure_count: 0,
    started_at: null,
  });
  expect(await claim(db)).toMatchObject({ task_id: task.task_id, attempt_count: 2 });
});

test("a new attempt starts without the progress of the last", async ({ db }) => {
  const task = await startTask(db);
  await db.query("select triaged.report_progress($1, 1, 50, 'half')", [task.task_id]);
  await settle(db, [outcomeOf(task, "release")]);

  await claim(db);

  expect(await readTask(db, task.task_id)).toMatchObject({
    progress_pct: null,
    current_step: null,
  });
});

test("a worker that ends releases the tasks that it holds", async ({ db }) => {
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);

  await db.query("select triaged.end_worker($1, 'shut down')", [worker_id]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    failure_count: 0,
    rescue_count: 0,
  });
  const { rows } = await db.query("select end_reason from triaged.workers where worker_id = $1", [
    worker_id,
  ]);
  expect(rows).toEqual([{ end_reason: "shut down" }]);
});

test("a worker ends once", async ({ db }) => {
  const workerId = await startWorker(db);
  const end = () => db.query("select triaged.end_worker($1) as ended", [workerId]);

  expect((await end()).rows).toEqual([{ ended: true }]);
  expect((await end()).rows).toEqual([{ ended: false }]);
});

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  enqueue,
  query,
  readEvents,
  readHistory,
  readTask,
  refusal,
  setClock,
  startTask,
  startWorker,
} from "../support/tasks.ts";

type Rescued = { task_id: string; status: string };

async function rescue(db: Client, limits = ""): Promise<Rescued[]> {
  return await query<Rescued>(db, `select * from triaged.rescue_tasks(${limits})`);
}

test("a task is rescued when the lease of its worker has run out, not before", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);

  await setClock(db, "2026-01-01T00:00:15Z");
  expect(await rescue(db)).toEqual([]);

  await setClock(db, "2026-01-01T00:00:15.001Z");
  expect(await rescue(db)).toEqual([{ task_id: task.task_id, status: "queued" }]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    run_at: new Date("2026-01-01T00:00:15.001Z"),
    worker_id: null,
    started_at: null,
    rescue_count: 1,
    failure_count: 0,
    error: `worker ${String(worker_id)} (test) died`,
  });
  expect((await readHistory(db, task.task_id)).at(-1)).toMatchObject({
    event: "rescue",
    worker_id,
    duration_ms: "15001",
  });
});

test("the worker that was declared dead is told so, and its end says why", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);
  await setClock(db, "2026-01-01T00:01:00Z");
  await rescue(db);

  const beats = await query(db, "select held from triaged.heartbeat_worker($1)", [worker_id]);

  expect(beats).toEqual([{ held: false }]);
  expect(await query(db, "select ended_at, end_reason from triaged.workers")).toEqual([
    { ended_at: new Date("2026-01-01T00:01:00Z"), end_reason: "lease ran out" },
  ]);
});

test("a heartbeat renews the lease", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);
  await setClock(db, "2026-01-01T00:00:14Z");

  const beats = await query(db, "select held from triaged.heartbeat_worker($1)", [worker_id]);

  expect(beats).toEqual([{ held: true }]);
  await setClock(db, "2026-01-01T00:00:29Z");
  expect(await rescue(db)).toEqual([]);
});

test("a task whose third worker died is failed, with the dead named", async ({ db }) => {
  const taskId = await enqueue(db, { run_at: "2100-01-01T00:00:00Z" });
  const statuses = [];
  for (const minute of [1, 2, 3]) {
    await setClock(db, `2100-01-01T00:0${minute}:00Z`);
    await claim(db);
    await setClock(db, `2100-01-01T00:0${minute}:30Z`);
    statuses.push((await rescue(db))[0]?.status);
  }

  expect(statuses).toEqual(["queued", "queued", "failed"]);
  expect(await readTask(db, taskId)).toMatchObject({
    rescue_count: 3,
    failure_count: 0,
    attempt_count: 3,
    error: expect.stringMatching(/^(worker \d+ \(test\) died(; )?){3}$/),
    ended_at: new Date("2100-01-01T00:03:30Z"),
  });
});

test("how many rescues are the end is the caller's to say", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);
  await setClock(db, "2026-01-01T00:01:00Z");

  expect(await rescue(db, "max_rescues => 1")).toMatchObject([{ status: "failed" }]);

  // Who held it last, and since when, stays.
  expect(await readTask(db, task.task_id)).toMatchObject({
    worker_id,
    started_at: new Date("2026-01-01T00:00:00Z"),
    run_at: new Date("2026-01-01T00:00:00Z"),
    ended_at: new Date("2026-01-01T00:01:00Z"),
  });
});

test("a cancel request wins over a rescue, and over its end", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);
  await setClock(db, "2026-01-01T00:01:00Z");

  expect(await rescue(db, "max_rescues => 1")).toEqual([
    { task_id: task.task_id, status: "cancelled" },
  ]);

  expect(await readEvents(db, task.task_id)).toEqual(["enqueue", "claim", "cancel", "rescue"]);
});

test("a pass takes no more workers than its limit", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await startTask(db);
  await startTask(db);
  await startTask(db);
  await setClock(db, "2026-01-01T00:01:00Z");

  expect(await rescue(db, "2")).toHaveLength(2);
  expect(await rescue(db, "2")).toHaveLength(1);
});

test("the tasks of the living stay with them", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const dead = await startTask(db);
  await setClock(db, "2026-01-01T00:00:10Z");
  const held = await startTask(db);
  await setClock(db, "2026-01-01T00:00:20Z");

  expect(await rescue(db)).toEqual([{ task_id: dead.task_id, status: "queued" }]);

  expect(await readTask(db, held.task_id)).toMatchObject({ status: "started", rescue_count: 0 });
});

test("the errors of many deaths stay within 8192 characters, the newest last", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  await db.query("update triaged.live_tasks set error = repeat('x', 8192)");
  await setClock(db, "2026-01-01T00:01:00Z");

  await rescue(db);

  const { error } = await readTask(db, task.task_id);
  expect(error).toHaveLength(8192);
  expect(error).toMatch(/x; worker \d+ \(test\) died$/);
});

test.for(["1 day 1 second", "-1 second", "178000000 years"])(
  "a lease of %s is refused: nobody could be rescued beside it",
  async (lease, { db }) => {
    expect(await refusal(db, () => startWorker(db, { lease }))).toMatchObject({ code: "22023" });

    await expect(call(db, "rescue_tasks")).resolves.toEqual([]);
  },
);

// Goal: what an older system claimed and did not do is done here.
// Method: one test for each of its claims that the database decides. The others are about
// the worker, the triage and the settings.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  readEvents,
  readHistory,
  readTask,
  setClock,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const TABLES = ["tasks", "task_history", "triage_results_cache", "task_statistics"];

async function getStatus(db: Client, taskId: string): Promise<unknown> {
  return (await readTask(db, taskId))["status"];
}

test.for(TABLES)("the schema works: %s is there", async (table, { db }) => {
  expect(await query(db, `select from triaged.${table} limit 0`)).toEqual([]);
});

test("a failure is tried again, three times in all", async ({ db }) => {
  const taskId = await enqueue(db);
  const statuses = [];
  for (let failure = 1; failure <= 3; failure += 1) {
    await settle(db, [outcomeOf(await claim(db), "retry", { error: "busy", delay_ms: 0 })]);
    statuses.push(await getStatus(db, taskId));
  }

  expect(statuses).toEqual(["queued", "queued", "failed"]);
});

test("the audit is full: each step of a life has its row", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { max_attempts: 2 });
  await settle(db, [outcomeOf(await claim(db), "retry", { error: "busy", delay_ms: 0 })]);
  await settle(db, [outcomeOf(await claim(db), "ask", { prompt: "merge it?" })]);
  await db.query("select triaged.decide_task($1, '1')", [taskId]);
  const last = await claim(db);
  await db.query("select triaged.cancel_task($1)", [taskId]);
  await setClock(db, "2026-01-01T00:00:02Z");
  await settle(db, [outcomeOf(last, "cancelled")]);

  const history = await readHistory(db, taskId);

  expect(history.map(({ event, status }) => [event, status])).toEqual([
    ["enqueue", "queued"],
    ["claim", "started"],
    ["fail", "queued"],
    ["claim", "started"],
    ["ask", "needs_decision"],
    ["decide", "queued"],
    ["claim", "started"],
    ["cancel", "started"],
    ["cancel", "cancelled"],
  ]);
  expect(history.at(-1)).toMatchObject({ duration_ms: "2000", attempt_count: 3 });
});

test("retention of seven days touches neither live tasks nor history", async ({ db }) => {
  await setClock(db, "2030-01-01T00:00:00Z");
  await db.query("select triaged.create_partitions(0)");
  const started = await startTask(db);
  const queued = await enqueue(db);
  const ended = await enqueue(db);
  await db.query("select triaged.cancel_task($1)", [ended]);
  await setClock(db, "2030-02-01T00:00:00Z");

  await db.query("select triaged.cleanup_old_tasks(7)");

  expect(await query(db, "select task_id from triaged.tasks order by task_id")).toEqual([
    { task_id: started.task_id },
    { task_id: queued },
  ]);
  expect(await readEvents(db, ended)).toEqual(["enqueue", "cancel"]);
});

test("the task of a killed worker is not started for ever", async ({ db }) => {
  await setClock(db, "2030-01-01T00:00:00Z");
  const task = await startTask(db);
  await setClock(db, "2030-01-01T00:00:16Z");

  await db.query("select triaged.rescue_tasks()");

  expect(await claimTasks(db, await startWorker(db))).toMatchObject([
    { task_id: task.task_id, attempt_count: 2 },
  ]);
});

test("a cancel tells the runner, and is not written over by a failure", async ({ db }) => {
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  const beats = await query(db, "select * from triaged.heartbeat_worker($1)", [worker_id]);
  await settle(db, [outcomeOf(task, "retry", { error: "aborted", delay_ms: 0 })]);

  expect(beats).toEqual([{ held: true, cancel_requests: [{ task_id: task.task_id, attempt: 1 }] }]);
  expect(await getStatus(db, task.task_id)).toBe("cancelled");
});

test("a failure is a failed attempt, never a finished task", async ({ db }) => {
  const task = await startTask(db, { max_attempts: 1 });

  await settle(db, [outcomeOf(task, "retry", { error: "no network" })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "failed",
    result: null,
    error: "no network",
  });
});

// Goal: when the server's clock goes back an hour, nothing waits for that hour that was due, or
// would have been due soon, and who asks is told.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { readSetback } from "../../src/doctor/server.ts";
import { test } from "../support/connections.ts";
import {
  call,
  claimTasks,
  enqueue,
  query,
  queryOne,
  setClock,
  startWorker,
} from "../support/tasks.ts";

const AHEAD = "2026-01-01T11:00:00Z";
const NOW = "2026-01-01T10:00:00Z";
/** Minutes after NOW. */
const at = (minutes: number, seconds = 0) =>
  new Date(Date.parse(NOW) + minutes * 60_000 + seconds * 1_000).toISOString();

const mend = async (db: Client) =>
  (await queryOne<{ tasks: number }>(db, "select triaged.mend_setback() as tasks")).tasks;
const runAt = async (db: Client, taskId: string) =>
  (
    await queryOne<{ run_at: Date }>(db, "select run_at from triaged.tasks where task_id = $1", [
      taskId,
    ])
  ).run_at.toISOString();
async function runAts(db: Client, taskIds: readonly string[]): Promise<string[]> {
  const times: string[] = [];
  for (const taskId of taskIds) times.push(await runAt(db, taskId));
  return times;
}
const rescue = async (db: Client) =>
  (await call(db, "rescue_tasks")).map((row) => String(row["task_id"]));

test("a task that was enqueued for now is due now, and one with a time of its own keeps it", async ({
  db,
}) => {
  await setClock(db, AHEAD);
  const now = await enqueue(db);
  const later = await enqueue(db, { run_at: at(65) });
  const earlier = await enqueue(db, { run_at: at(30) });
  await setClock(db, NOW);

  expect(await mend(db)).toBe(1);

  expect(await runAt(db, now)).toBe(at(0));
  expect(await runAt(db, earlier)).toBe(at(30));
  expect(await runAt(db, later)).toBe(at(65));
  const claimed = await call(db, "claim_tasks", {
    worker_id: await startWorker(db),
    max_tasks: 3,
  });
  expect(claimed.map((task) => task["task_id"])).toEqual([now]);
});

test("a task that failed, or was put back, waits for its delay from now on, once", async ({
  db,
}) => {
  await setClock(db, at(50));
  const tasks = [await enqueue(db), await enqueue(db), await enqueue(db), await enqueue(db)];
  const worker = await startWorker(db);
  await call(db, "claim_tasks", { worker_id: worker, max_tasks: 4 });
  await setClock(db, AHEAD);
  const outcomes = ["release", "retry", "snooze", "snooze"].map((outcome, place) => ({
    task_id: tasks[place],
    attempt: 1,
    outcome,
    delay_ms: [0, 90_000, 180_000, 7_200_000][place],
    error: "x",
  }));
  await query(db, "select from triaged.settle_tasks($1)", [JSON.stringify(outcomes)]);
  await setClock(db, NOW);
  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);

  expect(await mend(db)).toBe(3);
  expect(await runAts(db, tasks)).toEqual([at(0), at(1, 30), at(3), at(180)]);

  await setClock(db, at(0, 30));
  expect(await mend(db)).toBe(0);
  expect(await runAts(db, tasks)).toEqual([at(0), at(1, 30), at(3), at(180)]);
});

test("a task that was put back after the setback keeps its time", async ({ db }) => {
  await setClock(db, AHEAD);
  const task = await enqueue(db);
  const worker = await startWorker(db);
  await claimTasks(db, worker);
  await query(db, "select from triaged.settle_tasks($1)", [
    JSON.stringify([{ task_id: task, attempt: 1, outcome: "release" }]),
  ]);
  await setClock(db, NOW);
  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);
  await mend(db);
  await setClock(db, at(1));
  await claimTasks(db, worker);
  await query(db, "select from triaged.settle_tasks($1)", [
    JSON.stringify([{ task_id: task, attempt: 2, outcome: "snooze", delay_ms: 90 * 60_000 }]),
  ]);

  await setClock(db, at(2));
  expect(await mend(db)).toBe(0);

  expect(await runAt(db, task)).toBe(at(91));
});

test("without a setback nothing is written", async ({ db }) => {
  await setClock(db, NOW);
  await enqueue(db, { run_at: at(60) });
  const worker = await startWorker(db);
  await setClock(db, at(0, 5));
  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);
  // A transaction that began earlier sees what others wrote since.
  await setClock(db, at(0, -4));
  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);

  expect([await mend(db), await rescue(db)]).toEqual([0, []]);
  expect(await query(db, "select from triaged.clock_setbacks")).toEqual([]);
});

test("a worker that beat last by a clock ahead is found dead when its lease is over", async ({
  db,
}) => {
  await setClock(db, AHEAD);
  const task = await enqueue(db);
  await claimTasks(db, await startWorker(db));
  await setClock(db, NOW);

  expect(await rescue(db)).toEqual([]);
  await setClock(db, at(0, 15));
  expect(await rescue(db)).toEqual([]);
  await setClock(db, at(0, 16));

  expect(await rescue(db)).toEqual([task]);
  expect(await runAt(db, task)).toBe(at(0, 16));
});

test("a look that found its lock free by a clock ahead counts anew", async ({ db }) => {
  await setClock(db, AHEAD);
  const task = await enqueue(db);
  const worker = await startWorker(db);
  await claimTasks(db, worker);
  await db.query("update triaged.workers set has_session_lock = true");
  await rescue(db);
  await setClock(db, NOW);
  await db.query("update triaged.workers set heartbeat_at = triaged.now()");

  expect(await rescue(db)).toEqual([]);
  expect(await rescue(db)).toEqual([]);
  await setClock(db, at(0, 1));
  expect(await rescue(db)).toEqual([task]);
});

test("an effect that was wanted for now is due now", async ({ db }) => {
  await setClock(db, AHEAD);
  const worker = await startWorker(db);
  await db.query(
    `insert into triaged.effects (task_id, kind, effect_key, payload, due_at, created_at)
     values (1, 'webhook', 'k', '{}', triaged.now(), triaged.now())`,
  );
  await setClock(db, NOW);
  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);

  await mend(db);

  expect(await query(db, "select due_at from triaged.effects")).toEqual([
    { due_at: new Date(NOW) },
  ]);
});

test("why says that the clock has gone back, while a task waits for it", async ({ db }) => {
  const why = async (taskId: string) =>
    (await call(db, "why", { task_id: taskId })).map((row) => String(row["reason"]));
  await setClock(db, AHEAD);
  const worker = await startWorker(db);
  const written = await enqueue(db, { run_at: at(61) });
  await setClock(db, NOW);
  const since = await enqueue(db, { run_at: at(5) });
  expect(await why(since)).toHaveLength(1);

  expect(await why(written)).toEqual([
    expect.stringContaining("it is due at"),
    expect.stringMatching(
      /^it was written at 2026-01-01 .*, by a clock that was 01:00:00 ahead of now: the server's clock has gone back$/,
    ),
  ]);

  await query(db, "select from triaged.heartbeat_worker($1)", [worker]);
  expect(await why(since)).toEqual([
    expect.stringContaining("it is due at"),
    expect.stringMatching(/^the server's clock has gone back: it was at .* 01:00:00 ahead of now$/),
  ]);
  await setClock(db, at(61));
  expect(await why(since)).toHaveLength(1);
});

test("the doctor says what lies ahead of now, and how much waits", async ({ db }) => {
  await setClock(db, AHEAD);
  await enqueue(db);
  await startWorker(db);
  await setClock(db, NOW);

  const finding = await readSetback(inSchema(db));

  expect(finding).toMatchObject({
    level: "warning",
    subject: "setback",
    found:
      "the server's clock has gone back; ahead of now: created tasks 3600 s, heartbeats 3600 s, " +
      "history 3600 s. 1 queued task was due by it",
  });
  await setClock(db, at(61));
  const well = await readSetback(inSchema(db));
  expect(well).toMatchObject({ level: "ok" });
});

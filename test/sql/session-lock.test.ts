// Goal: a dead process is noticed by its lock, a living one never declared dead for it.
// Method: a second connection holds the lock of a worker, then closes.

import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { enqueue, query, queryOne, startWorker } from "../support/tasks.ts";

/** A worker whose session lock `holder` has, and that holds one task. */
async function startLockedWorker(db: Client, holder: Client): Promise<string> {
  const taskId = await enqueue(db);
  const workerId = await startWorker(db);
  await db.query("select triaged.claim_tasks($1)", [workerId]);
  expect(await lockWorker(holder, workerId)).toBe(true);
  return taskId;
}

async function lockWorker(client: Client, workerId: string): Promise<boolean> {
  const { held } = await queryOne<{ held: boolean }>(
    client,
    "select triaged.lock_worker($1) as held",
    [workerId],
  );
  return held;
}

/** One look, by a clock that stands `ms` milliseconds later than at the start of the test. */
async function lookAt(db: Client, ms: number): Promise<string[]> {
  await db.query("select set_config('triaged.fake_now', $1, false)", [
    new Date(Date.UTC(2026, 0, 1, 0, 0, 0, ms)).toISOString(),
  ]);
  return (await query(db, "select task_id from triaged.rescue_tasks()")).map((row) =>
    String(row["task_id"]),
  );
}

/** Close the connection, and wait until the server has let go of its locks. */
async function closeLock(holder: Client, db: Client): Promise<void> {
  await holder.end();
  await waitFor(async () => {
    const locks = await query(
      db,
      `select from pg_locks
       join pg_database on pg_database.oid = pg_locks.database
       where locktype = 'advisory' and datname = current_database()`,
    );
    return locks.length === 0;
  });
}

test("a lock that is free at two looks is a death", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  await lookAt(db, 0);
  const taskId = await startLockedWorker(db, holder);
  await closeLock(holder, db);

  expect(await lookAt(db, 500)).toEqual([]);
  expect(await lookAt(db, 900)).toEqual([]);
  expect(await lookAt(db, 901)).toEqual([taskId]);

  expect(await query(db, "select end_reason from triaged.workers")).toEqual([
    { end_reason: "process died" },
  ]);
});

test("a worker whose lock is held is not rescued, however often one looks", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  await lookAt(db, 0);
  await startLockedWorker(db, holder);

  expect([await lookAt(db, 500), await lookAt(db, 1_000), await lookAt(db, 1_500)]).toEqual([
    [],
    [],
    [],
  ]);
});

test("a look at a living worker writes nothing", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  await lookAt(db, 0);
  await startLockedWorker(db, holder);
  const version = () => query(db, "select xmin, ctid from triaged.workers");
  const before = await version();

  await lookAt(db, 500);

  expect(await version()).toEqual(before);
});

test("the lock does not outweigh a lease that ran out", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  await lookAt(db, 0);
  const taskId = await startLockedWorker(db, holder);

  expect(await lookAt(db, 15_001)).toEqual([taskId]);
});

test("a worker that takes its lock again is alive", async ({ connect }) => {
  const [db, holder, again] = [await connect(), await connect(), await connect()];
  await lookAt(db, 0);
  await startLockedWorker(db, holder);
  await closeLock(holder, db);
  await lookAt(db, 500);
  const { worker_id } = await queryOne<{ worker_id: string }>(
    db,
    "select worker_id from triaged.workers",
  );

  expect(await lockWorker(again, worker_id)).toBe(true);

  expect([await lookAt(db, 1_000), await lookAt(db, 1_500)]).toEqual([[], []]);
});

test("a lock that was had back between two looks starts the count anew", async ({ connect }) => {
  const [db, holder, again] = [await connect(), await connect(), await connect()];
  await lookAt(db, 0);
  const taskId = await startLockedWorker(db, holder);
  await closeLock(holder, db);
  await lookAt(db, 500);
  const { worker_id } = await queryOne<{ worker_id: string }>(
    db,
    "select worker_id from triaged.workers",
  );
  await lockWorker(again, worker_id);
  await lookAt(db, 1_000);
  await closeLock(again, db);

  expect(await lookAt(db, 1_500)).toEqual([]);
  expect(await lookAt(db, 2_000)).toEqual([taskId]);
});

test("a worker without a session lock has only its lease", async ({ connect }) => {
  const db = await connect();
  await lookAt(db, 0);
  await enqueue(db);
  await db.query("select triaged.claim_tasks($1)", [await startWorker(db)]);

  expect([await lookAt(db, 500), await lookAt(db, 1_000), await lookAt(db, 15_000)]).toEqual([
    [],
    [],
    [],
  ]);
});

test("two sessions cannot both hold the lock of a worker", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  const workerId = await startWorker(db);

  expect(await lockWorker(holder, workerId)).toBe(true);
  expect(await lockWorker(db, workerId)).toBe(false);
});

test("a worker that was declared dead gets no lock", async ({ connect }) => {
  const db = await connect();
  const workerId = await startWorker(db);
  await db.query("select triaged.end_worker($1)", [workerId]);

  expect(await lockWorker(db, workerId)).toBe(false);
});

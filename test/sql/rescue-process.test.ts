// Goal: what a process held that its supervisor saw exit comes back at once, and a word that is
// wrong does no harm.

import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { call, claimTasks, enqueue, query, readTask, startWorker } from "../support/tasks.ts";

const PROCESS = { host: "here", pid: 42 };

const rescue = (db: Client, more = {}) => call(db, "rescue_process", { ...PROCESS, ...more });

async function startHolder(db: Client, given = {}): Promise<{ workerId: string; taskId: string }> {
  const taskId = await enqueue(db);
  const workerId = await startWorker(db, { ...PROCESS, ...given });
  await claimTasks(db, workerId);
  return { workerId, taskId };
}

test("tasks that the process held are queued again at the first look", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  const { workerId, taskId } = await startHolder(db);
  await query(holder, "select triaged.lock_worker($1)", [workerId]);
  await holder.end();

  const rows = await waitFor(async () => {
    const found = await rescue(db);
    return found[0]?.["is_dead"] === true && found;
  });

  expect(rows).toEqual([{ worker_id: workerId, is_dead: true, tasks: 1, failed: 0 }]);
  expect(await readTask(db, taskId)).toMatchObject({
    status: "queued",
    rescue_count: 1,
    failure_count: 0,
    error: `worker ${workerId} (test) died`,
  });
  expect(await query(db, "select end_reason from triaged.workers")).toEqual([
    { end_reason: "process exited" },
  ]);
  expect(await rescue(db)).toEqual([]);
});

test("a worker whose lock is held is left alone", async ({ connect }) => {
  const [db, holder] = [await connect(), await connect()];
  const { workerId, taskId } = await startHolder(db);
  await query(holder, "select triaged.lock_worker($1)", [workerId]);

  expect(await rescue(db)).toEqual([{ worker_id: workerId, is_dead: false, tasks: 0, failed: 0 }]);

  expect(await readTask(db, taskId)).toMatchObject({ status: "started", rescue_count: 0 });
  expect(await query(db, "select held from triaged.heartbeat_worker($1)", [workerId])).toEqual([
    { held: true },
  ]);
});

test("a worker without a lock is taken at the word of the caller", async ({ connect }) => {
  const db = await connect();
  const { workerId } = await startHolder(db);

  expect(await rescue(db)).toEqual([{ worker_id: workerId, is_dead: true, tasks: 1, failed: 0 }]);
});

test("other processes are none of its business", async ({ connect }) => {
  const db = await connect();
  await startHolder(db, { pid: 43 });
  await startHolder(db, { host: "there" });

  expect(await rescue(db)).toEqual([]);
});

test("a task whose worker dies the last time that it may is failed", async ({ connect }) => {
  const db = await connect();
  const { workerId, taskId } = await startHolder(db);

  expect(await rescue(db, { max_rescues: 1 })).toEqual([
    { worker_id: workerId, is_dead: true, tasks: 1, failed: 1 },
  ]);
  expect(await readTask(db, taskId)).toMatchObject({ status: "failed", rescue_count: 1 });
});

// Goal: a claim whose answer was lost holds nothing for ever, and no task that the worker does
// know is taken from it.

import { expect } from "vitest";
import { test as concurrently, test, waitUntilBlocked } from "../support/connections.ts";
import {
  type Claimed,
  call,
  claimTasks,
  enqueue,
  readEvents,
  readTask,
  startTask,
  startWorker,
} from "../support/tasks.ts";

/** What the worker holds beside the `known` attempts. */
function unknownTo(workerId: string, known: readonly Claimed[]) {
  return {
    worker_id: workerId,
    known_task_ids: known.map((task) => task.task_id),
    known_attempts: known.map((task) => task.attempt_count),
  };
}

test("a worker releases the tasks that it holds without knowing, and only those", async ({
  db,
}) => {
  const others = await startTask(db);
  await enqueue(db);
  const workerId = await startWorker(db);
  const known = await claimTasks(db, workerId);
  const lost = await enqueue(db);
  await claimTasks(db, workerId);

  const released = await call(db, "release_unknown_tasks", unknownTo(workerId, known));

  expect(released).toEqual([{ task_id: lost, attempt: 1, status: "queued" }]);
  expect(await readEvents(db, lost)).toEqual(["enqueue", "claim", "release"]);
  expect(await readTask(db, lost)).toMatchObject({ failure_count: 0, rescue_count: 0 });
  for (const { task_id } of [others, ...known]) {
    expect(await readTask(db, task_id)).toMatchObject({ status: "started" });
  }
});

test("an attempt that a worker knows is not the later one of the same task", async ({ db }) => {
  await enqueue(db);
  const workerId = await startWorker(db);
  const earlier = await claimTasks(db, workerId);
  await call(db, "release_unknown_tasks", unknownTo(workerId, []));
  await claimTasks(db, workerId);

  const released = await call(db, "release_unknown_tasks", unknownTo(workerId, earlier));

  expect(released).toEqual([{ task_id: earlier[0]?.task_id, attempt: 2, status: "queued" }]);
});

concurrently("a claim that the server still makes is waited for", async ({ connect }) => {
  const [gone, db, observer] = [await connect(), await connect(), await connect()];
  const lost = await enqueue(observer);
  const workerId = await startWorker(observer);
  await gone.query("begin");
  await claimTasks(gone, workerId);

  const releasing = call(db, "release_unknown_tasks", unknownTo(workerId, []));
  await waitUntilBlocked(observer, db);
  await gone.query("commit");

  expect(await releasing).toEqual([{ task_id: lost, attempt: 1, status: "queued" }]);
});

// Goal: a hand-made update changes the task that its author saw, or none.
// Method: the task moves on in a transaction that the update has to wait for.

import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import {
  claimTasks,
  outcomeOf,
  query,
  readEvents,
  readTask,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const RESET = "update triaged.tasks set status = 'queued' where status = 'started'";

test("a reset by hand that waited for a question leaves the question alone", async ({
  connect,
}) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const task = await startTask(worker);
  await worker.query("begin");
  await settle(worker, [outcomeOf(task, "ask", { prompt: "merge it?" })]);

  const resetting = operator.query(RESET);
  await waitUntilBlocked(observer, operator);
  await worker.query("commit");

  expect((await resetting).rowCount).toBe(0);
  expect(await readTask(observer, task.task_id)).toMatchObject({ status: "needs_decision" });
});

test("a reset by hand that waited for the next attempt leaves that alone", async ({ connect }) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const task = await startTask(worker);
  const workerId = await startWorker(worker);
  await worker.query("begin");
  await settle(worker, [outcomeOf(task, "release")]);
  await claimTasks(worker, workerId);

  const resetting = operator.query(RESET);
  await waitUntilBlocked(observer, operator);
  await worker.query("commit");

  expect((await resetting).rowCount).toBe(0);
  expect(await readEvents(observer, task.task_id)).toEqual([
    "enqueue",
    "claim",
    "release",
    "claim",
  ]);
  expect(await query(observer, "select status, attempt_count from triaged.tasks")).toEqual([
    { status: "started", attempt_count: 2 },
  ]);
});

// Goal: whoever takes a task back and whoever holds it cannot both have their way.
// Method: the first stops before its commit, the second is seen waiting, then the first
// goes on.

import type { Client } from "pg";
import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import {
  type Claimed,
  claimLane,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  readEvents,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const SILENT = "update triaged.workers set heartbeat_at = now() - interval '1 hour'";
const RESCUE = "select task_id, status from triaged.rescue_tasks()";

const CLAIMS = [
  ["claim", claimTasks],
  ["claim of a lane", claimLane],
] as const;

async function startLostTask(db: Client): Promise<Claimed> {
  const task = await startTask(db);
  await db.query(SILENT);
  return task;
}

test.for(CLAIMS)(
  "a rescue passes over a worker in its %s, until the next look",
  async ([, claim], { connect }) => {
    const [worker, rescuer] = [await connect(), await connect()];
    const taskId = await enqueue(worker);
    const workerId = await startWorker(worker);
    await worker.query(SILENT);
    await worker.query("begin");
    await claim(worker, workerId);

    expect(await query(rescuer, RESCUE)).toEqual([]);

    await worker.query("commit");
    expect(await query(rescuer, RESCUE)).toEqual([{ task_id: taskId, status: "queued" }]);
  },
);

test.for(CLAIMS)(
  "a %s waits for the rescue of its worker, and gets nothing",
  async ([, claim], { connect }) => {
    const [worker, rescuer, observer] = [await connect(), await connect(), await connect()];
    await enqueue(worker);
    const workerId = await startWorker(worker);
    await worker.query(SILENT);
    await rescuer.query("begin");
    await rescuer.query(RESCUE);

    const claiming = claim(worker, workerId);
    await waitUntilBlocked(observer, worker);
    await rescuer.query("commit");

    expect(await claiming).toEqual([]);
  },
);

test.for(CLAIMS)("a heartbeat does not wait for a %s", async ([, claim], { connect }) => {
  const [worker, heart] = [await connect(), await connect()];
  await enqueue(worker);
  const workerId = await startWorker(worker);
  await worker.query("begin");
  await claim(worker, workerId);
  await heart.query("set lock_timeout to '2s'");

  const beats = await query(heart, "select held from triaged.heartbeat_worker($1)", [workerId]);

  expect(beats).toEqual([{ held: true }]);
  await worker.query("commit");
});

test.for(["finish", "fail", "retry", "snooze", "release", "ask"])(
  "a %s that waited for a rescue is refused",
  async (outcome, { connect }) => {
    const [worker, rescuer, observer] = [await connect(), await connect(), await connect()];
    const task = await startLostTask(worker);
    await rescuer.query("begin");
    await rescuer.query(RESCUE);

    const settling = settle(worker, [outcomeOf(task, outcome, { prompt: "?" })]);
    await waitUntilBlocked(observer, worker);
    await rescuer.query("commit");

    expect(await settling).toEqual([]);
    expect(await readEvents(observer, task.task_id)).toEqual(["enqueue", "claim", "rescue"]);
  },
);

test.for([
  { outcome: "finish", status: "finished" },
  { outcome: "retry", status: "queued" },
  { outcome: "snooze", status: "queued" },
  { outcome: "release", status: "queued" },
  { outcome: "ask", status: "needs_decision" },
])("a rescue that waited for a $outcome leaves its task alone", async (given, { connect }) => {
  const [worker, rescuer, observer] = [await connect(), await connect(), await connect()];
  const task = await startLostTask(worker);
  await worker.query("begin");
  await settle(worker, [outcomeOf(task, given.outcome, { error: "busy", prompt: "?" })]);

  const rescuing = query(rescuer, RESCUE);
  await waitUntilBlocked(observer, rescuer);
  await worker.query("commit");

  expect(await rescuing).toEqual([]);
  expect(await query(observer, "select status, rescue_count from triaged.tasks")).toEqual([
    { status: given.status, rescue_count: 0 },
  ]);
});

test("two rescues at once take a task back once", async ({ connect }) => {
  const [first, second] = [await connect(), await connect()];
  const task = await startLostTask(first);
  await first.query("begin");
  await first.query(RESCUE);

  expect(await query(second, RESCUE)).toEqual([]);

  await first.query("commit");
  expect(await query(second, RESCUE)).toEqual([]);
  expect(await readEvents(second, task.task_id)).toEqual(["enqueue", "claim", "rescue"]);
});

test.for([
  { outcome: "retry", status: "cancelled" },
  { outcome: "snooze", status: "cancelled" },
  { outcome: "release", status: "cancelled" },
  { outcome: "ask", status: "cancelled" },
  { outcome: "finish", status: "finished" },
])("a $outcome that waited for a cancel request is $status", async (given, { connect }) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const task = await startTask(worker);
  await operator.query("begin");
  await operator.query("select triaged.cancel_task($1)", [task.task_id]);

  const settling = settle(worker, [
    outcomeOf(task, given.outcome, { error: "busy", delay_ms: 0, prompt: "?" }),
  ]);
  await waitUntilBlocked(observer, worker);
  await operator.query("commit");

  expect(await settling).toMatchObject([{ status: given.status }]);
});

test("a cancel that waited for the end of its task says that it is final", async ({ connect }) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const task = await startTask(worker);
  await worker.query("begin");
  await settle(worker, [outcomeOf(task, "finish")]);

  const cancelling = operator
    .query("select triaged.cancel_task($1)", [task.task_id])
    .catch((err: unknown) => err);
  await waitUntilBlocked(observer, operator);
  await worker.query("commit");

  expect(await cancelling).toMatchObject({
    code: "TR002",
    message: `task ${task.task_id} is finished: it cannot be cancelled`,
  });
});

test("a cancel that waited for a release finds the task waiting, and cancels it", async ({
  connect,
}) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const task = await startTask(worker);
  await worker.query("begin");
  await settle(worker, [outcomeOf(task, "release")]);

  const cancelling = query(operator, "select triaged.cancel_task($1) as answer", [task.task_id]);
  await waitUntilBlocked(observer, operator);
  await worker.query("commit");

  expect(await cancelling).toEqual([{ answer: "cancelled" }]);
  expect(await readEvents(observer, task.task_id)).toEqual([
    "enqueue",
    "claim",
    "release",
    "cancel",
  ]);
});

test("a cancel that waited for a claim asks the worker to stop", async ({ connect }) => {
  const [worker, operator, observer] = [await connect(), await connect(), await connect()];
  const taskId = await enqueue(worker);
  const workerId = await startWorker(worker);
  await worker.query("begin");
  await claimTasks(worker, workerId);

  const cancelling = query(operator, "select triaged.cancel_task($1) as answer", [taskId]);
  await waitUntilBlocked(observer, operator);
  await worker.query("commit");

  expect(await cancelling).toEqual([{ answer: "requested" }]);
});

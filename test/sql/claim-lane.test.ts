// Goal: a claim of a named lane takes what a claim of all would take of it, and nothing else.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claimLane,
  claimTasks,
  enqueue,
  readHistory,
  readTask,
  setClock,
  startWorker,
} from "../support/tasks.ts";

test("a claim of a lane makes its task the worker's", async ({ db }) => {
  await setClock(db, "2026-01-01T12:00:00Z");
  const parent = await enqueue(db, { queue: "other" });
  const given = { payload: { a: 1 }, metadata: { trace: "x" }, parent_task_id: parent };
  const taskId = await enqueue(db, given);
  const workerId = await startWorker(db);
  await db.query("update triaged.live_tasks set progress_pct = 5, current_step = 'half'");

  const claimed = await claimLane(db, workerId);

  expect(claimed).toMatchObject([
    {
      ...given,
      task_id: taskId,
      attempt_count: 1,
      failure_count: 0,
      max_attempts: 3,
      error: null,
      decision: null,
      root_task_id: parent,
    },
  ]);
  expect(await readTask(db, taskId)).toMatchObject({
    status: "started",
    worker_id: workerId,
    started_at: new Date("2026-01-01T12:00:00Z"),
    attempt_count: 1,
    progress_pct: null,
    current_step: null,
  });
  expect((await readHistory(db, taskId)).at(-1)).toMatchObject({
    event: "claim",
    actor: "worker",
    worker_id: workerId,
    attempt_count: 1,
    wait_ms: "0",
  });
});

test.for([
  ["another queue", { queue: "other" }],
  ["another type", { task_type: "other" }],
  ["another priority", { priority: 1 }],
  ["a later time", { run_at: "2026-01-01T12:00:00.000001Z" }],
] as const)("a task that has %s is left alone", async ([, given], { db }) => {
  await setClock(db, "2026-01-01T12:00:00Z");
  await enqueue(db, given);

  const all = { queues: ["default", "other"], task_types: ["noop", "other"] };
  expect(await claimLane(db, await startWorker(db, all))).toEqual([]);
});

test("a task that was claimed is not claimed again", async ({ db }) => {
  await enqueue(db);
  const workerId = await startWorker(db);

  expect(await claimLane(db, workerId)).toHaveLength(1);
  expect(await claimLane(db, workerId)).toEqual([]);
});

test("the tasks that are due longest go first, and no more than the limit", async ({ db }) => {
  const later = await enqueue(db, { run_at: "2026-01-01T11:00:00Z" });
  const longest = await enqueue(db, { run_at: "2026-01-01T10:00:00Z" });
  await enqueue(db, { run_at: "2026-01-01T12:00:00Z" });
  const workerId = await startWorker(db);

  const claimed = await claimLane(db, workerId, { max_tasks: 2 });

  expect(claimed.map(({ task_id }) => task_id).toSorted()).toEqual([later, longest].toSorted());
});

test("a bound hides what lies at or before it", async ({ db }) => {
  const first = await enqueue(db, { run_at: "2026-01-01T10:00:00.000001Z" });
  const second = await enqueue(db, { run_at: "2026-01-01T10:00:00.000001Z" });
  const workerId = await startWorker(db);

  const behind = await claimLane(db, workerId, {
    after_run_at: "2026-01-01T10:00:00.000001Z",
    after_task_id: first,
  });

  expect(behind).toMatchObject([{ task_id: second }]);
  expect(await claimLane(db, workerId, { after_run_at: null, after_task_id: null })).toMatchObject([
    { task_id: first },
  ]);
});

test.for([{ queue: "other" }, { task_type: "other" }])(
  "a lane that is not the worker's, of %o, gives it nothing",
  async (lane, { db }) => {
    await enqueue(db, lane);

    expect(await claimLane(db, await startWorker(db), lane)).toEqual([]);
  },
);

test("of several lanes a worker gets what is in those that it registered", async ({ db }) => {
  const mine = await enqueue(db, { queue: "mine" });
  await enqueue(db, { queue: "other" });
  await enqueue(db, { queue: "mine", task_type: "other" });

  const claimed = await claimTasks(db, await startWorker(db, { queues: ["mine"] }), {
    queues: ["other", "mine", "mine"],
    task_types: ["noop", "other", "noop"],
    priorities: [2, 2, 2],
  });

  expect(claimed).toMatchObject([{ task_id: mine }]);
});

test.for([
  ["queue", { queue: "default" }],
  ["task_type", { task_type: "noop" }],
] as const)("a paused %s gives nothing until it is resumed", async ([what, given], { db }) => {
  await enqueue(db);
  const workerId = await startWorker(db);

  await call(db, `pause_${what}`, given);
  expect(await claimLane(db, workerId)).toEqual([]);

  await call(db, `resume_${what}`, given);
  expect(await claimLane(db, workerId)).toHaveLength(1);
});

test("a pause of another queue or type does not stop a lane", async ({ db }) => {
  await enqueue(db);
  const workerId = await startWorker(db, { task_types: ["noop", "other"] });
  await call(db, "pause_queue", { queue: "other" });
  await call(db, "pause_task_type", { task_type: "other" });

  expect(await claimLane(db, workerId)).toHaveLength(1);
});

test("a worker that was declared dead, or never was, claims nothing of a lane", async ({ db }) => {
  await enqueue(db);
  const workerId = await startWorker(db);
  await db.query(
    "update triaged.workers set ended_at = triaged.now(), end_reason = 'lease ran out'",
  );

  expect(await claimLane(db, workerId)).toEqual([]);
  expect(await claimLane(db, "9007199254740993")).toEqual([]);
});

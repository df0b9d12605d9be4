import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claimTasks,
  enqueue,
  query,
  queryOne,
  readHistory,
  readTask,
  setClock,
  startWorker,
} from "../support/tasks.ts";

test("a task is claimed when run_at comes, not before", async ({ db }) => {
  const taskId = await enqueue(db, { run_at: "2026-01-01T12:00:00Z" });
  const workerId = await startWorker(db);

  await setClock(db, "2026-01-01T11:59:59.999999Z");
  expect(await claimTasks(db, workerId)).toEqual([]);

  await setClock(db, "2026-01-01T12:00:00Z");
  expect(await claimTasks(db, workerId)).toMatchObject([{ task_id: taskId, attempt_count: 1 }]);
});

test("a claim makes the task the worker's", async ({ db }) => {
  await setClock(db, "2026-01-01T12:00:00Z");
  const given = { payload: { a: 1 }, queue: "default", metadata: { trace: "x" } };
  const taskId = await enqueue(db, given);
  const workerId = await startWorker(db);

  const claimed = await claimTasks(db, workerId);

  expect(claimed).toMatchObject([
    { ...given, task_id: taskId, task_type: "noop", failure_count: 0, max_attempts: 3 },
  ]);
  expect(await readTask(db, taskId)).toMatchObject({
    status: "started",
    worker_id: workerId,
    started_at: new Date("2026-01-01T12:00:00Z"),
    attempt_count: 1,
  });
  expect((await readHistory(db, taskId)).at(-1)).toMatchObject({
    event: "claim",
    actor: "worker",
    worker_id: workerId,
    attempt_count: 1,
  });
});

test("the highest priority goes first, and within it what is due longest", async ({ db }) => {
  const later = await enqueue(db, { priority: 0, run_at: "2026-01-01T11:00:00Z" });
  await enqueue(db, { priority: 3, run_at: "2026-01-01T09:00:00Z" });
  const longest = await enqueue(db, { priority: 0, run_at: "2026-01-01T10:00:00Z" });
  const next = await enqueue(db, { priority: 1, run_at: "2026-01-01T11:30:00Z" });
  const workerId = await startWorker(db);

  const order = [];
  for (let turn = 0; turn < 3; turn += 1) {
    order.push(...(await claimTasks(db, workerId, { max_tasks: 1 })));
  }

  expect(order.map(({ task_id }) => task_id)).toEqual([longest, later, next]);
});

test("lanes are visited in the order given", async ({ db }) => {
  await enqueue(db, { task_type: "a", priority: 0 });
  const second = await enqueue(db, { task_type: "b", priority: 3 });
  const workerId = await startWorker(db, { task_types: ["a", "b"] });

  const claimed = await claimTasks(db, workerId, {
    max_tasks: 1,
    queues: ["default", "default"],
    task_types: ["b", "a"],
    priorities: [3, 0],
  });

  expect(claimed).toMatchObject([{ task_id: second }]);
});

test("a bound hides what lies at or before it, and a sweep finds that", async ({ db }) => {
  const first = await enqueue(db, { run_at: "2026-01-01T10:00:00.000001Z" });
  const second = await enqueue(db, { run_at: "2026-01-01T10:00:00.000001Z" });
  const third = await enqueue(db, { run_at: "2026-01-01T10:00:00.000002Z" });
  const workerId = await startWorker(db);
  const lane = { queues: ["default"], task_types: ["noop"], priorities: [2] };

  const behind = await claimTasks(db, workerId, {
    ...lane,
    after_run_ats: ["2026-01-01T10:00:00.000001Z"],
    after_task_ids: [first],
  });
  const swept = await claimTasks(db, workerId, {
    ...lane,
    after_run_ats: ["-infinity"],
    after_task_ids: ["0"],
  });

  expect(behind.map(({ task_id }) => task_id).toSorted()).toEqual([second, third].toSorted());
  expect(swept).toMatchObject([{ task_id: first }]);
});

test("a claim takes no more than its limit over all lanes", async ({ db }) => {
  for (const priority of [0, 1, 2, 3]) {
    await enqueue(db, { priority });
    await enqueue(db, { priority });
  }

  const claimed = await claimTasks(db, await startWorker(db), { max_tasks: 3 });

  expect(claimed.map((task) => String(task["priority"])).toSorted()).toEqual(["0", "0", "1"]);
});

test("a task that is in no lane of the worker is left alone", async ({ db }) => {
  await enqueue(db, { task_type: "other" });
  await enqueue(db, { queue: "other" });

  expect(await claimTasks(db, await startWorker(db))).toEqual([]);
});

test("a worker of two queues and two types takes from all four", async ({ db }) => {
  const taskIds = [];
  for (const queue of ["day", "night"]) {
    for (const task_type of ["a", "b"]) {
      taskIds.push(await enqueue(db, { queue, task_type }));
    }
  }
  const given = { queues: ["day", "night"], task_types: ["a", "b"] };

  const claimed = await claimTasks(db, await startWorker(db, given));

  expect(claimed.map(({ task_id }) => task_id).toSorted()).toEqual(taskIds.toSorted());
});

test("a paused queue gives nothing until it is resumed", async ({ db }) => {
  const taskId = await enqueue(db);
  const workerId = await startWorker(db);

  await call(db, "pause_queue", { queue: "default" });
  expect(await claimTasks(db, workerId)).toEqual([]);

  await call(db, "resume_queue", { queue: "default" });
  expect(await claimTasks(db, workerId)).toMatchObject([{ task_id: taskId }]);
});

test("another queue goes on while one is paused", async ({ db }) => {
  await enqueue(db);
  const taskId = await enqueue(db, { queue: "night" });
  await call(db, "pause_queue", { queue: "default" });

  const claimed = await claimTasks(db, await startWorker(db, { queues: ["default", "night"] }));

  expect(claimed).toMatchObject([{ task_id: taskId }]);
});

test("a paused task type gives nothing, and the others go on", async ({ db }) => {
  const workerId = await startWorker(db, { task_types: ["a", "b"] });
  await enqueue(db, { task_type: "a" });
  const taskId = await enqueue(db, { task_type: "b" });
  await db.query("update triaged.task_types set paused_at = now() where task_type = 'a'");

  expect(await claimTasks(db, workerId)).toMatchObject([{ task_id: taskId }]);
});

test("a worker that was declared dead, or never was, claims nothing", async ({ db }) => {
  await enqueue(db);
  const workerId = await startWorker(db);
  await db.query(
    "update triaged.workers set ended_at = triaged.now(), end_reason = 'lease ran out'",
  );

  expect(await claimTasks(db, workerId)).toEqual([]);
  expect(await claimTasks(db, "9007199254740993")).toEqual([]);
});

test("a claimed task keeps its decision, error and ancestors in sight", async ({ db }) => {
  const parent = await enqueue(db, { queue: "other" });
  const child = await enqueue(db, { parent_task_id: parent });

  const [claimed] = await claimTasks(db, await startWorker(db));

  expect(claimed).toMatchObject({
    task_id: child,
    parent_task_id: parent,
    root_task_id: parent,
    error: null,
    decision: null,
  });
});

test("the numbers of a worker are never used again", async ({ db }) => {
  const first = await startWorker(db);
  await db.query("delete from triaged.workers");

  expect(BigInt(await startWorker(db))).toBeGreaterThan(BigInt(first));
});

test("registering again with other budgets changes what enqueue takes", async ({ db }) => {
  await startWorker(db, { task_types: ["a", "b"], max_attempts: [4, 5] });
  await startWorker(db, { task_types: ["b"], max_attempts: [6] });

  expect(
    await query(db, "select task_type, max_attempts from triaged.task_types order by task_type"),
  ).toEqual([
    { task_type: "a", max_attempts: 4 },
    { task_type: "b", max_attempts: 6 },
  ]);
});

test("a worker without a handler's budget gives the default of 3", async ({ db }) => {
  await startWorker(db, { task_types: ["a"] });

  expect(await queryOne(db, "select max_attempts from triaged.task_types")).toEqual({
    max_attempts: 3,
  });
});

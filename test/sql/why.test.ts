import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  readTask,
  setClock,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

type Reason = { reason: string; hint: string | null };

async function why(db: Client, taskId: string): Promise<Reason[]> {
  return await call<Reason>(db, "why", { task_id: taskId });
}

test("why: nobody has heard of the task", async ({ db }) => {
  expect(await why(db, "9007199254740993")).toEqual([
    {
      reason: "there is no task 9007199254740993",
      hint: "was the transaction that enqueued it committed?",
    },
  ]);
});

test("why: it is not due yet", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, { run_at: "2026-01-01T01:00:00Z" });
  await startWorker(db);

  expect(await why(db, taskId)).toEqual([
    { reason: expect.stringMatching(/^it is due at 2026-01-01 .*, in 01:00:00$/), hint: null },
  ]);
});

test("why: it waits after a failure, which is told", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "retry", { error: "busy", delay_ms: 60_000 })]);

  expect(await why(db, task.task_id)).toMatchObject([
    { reason: expect.stringContaining("it is due at"), hint: "1 of 3 failures; the last: busy" },
  ]);
});

test("why: its queue is paused", async ({ db }) => {
  const taskId = await enqueue(db);
  await startWorker(db);
  await call(db, "pause_queue", { queue: "default" });

  expect((await why(db, taskId))[0]).toEqual({
    reason: "queue default is paused",
    hint: "resume_queue('default'), or triaged resume default",
  });
});

test("why: its task type is paused", async ({ db }) => {
  const taskId = await enqueue(db);
  await startWorker(db);
  await call(db, "pause_task_type", { task_type: "noop" });

  expect((await why(db, taskId))[0]).toEqual({
    reason: "task type noop is paused",
    hint: "resume_task_type('noop'), or triaged resume --type noop",
  });
});

test("why: no worker is alive", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db);
  await startWorker(db);
  await setClock(db, "2026-01-01T00:00:16Z");

  expect(await why(db, taskId)).toEqual([
    { reason: "no worker is alive", hint: "start one: triaged work" },
  ]);
});

test("why: no worker handles its type", async ({ db }) => {
  const taskId = await enqueue(db, { task_type: "nope" });
  await startWorker(db);

  expect(await why(db, taskId)).toEqual([
    {
      reason: "no worker handles task type nope",
      hint: "add tasks/nope.ts to the workers' folder, or check the spelling",
    },
  ]);
});

test("why: no worker serves its queue", async ({ db }) => {
  const taskId = await enqueue(db, { queue: "night" });
  await startWorker(db);

  expect(await why(db, taskId)).toEqual([
    {
      reason: "no worker that handles noop serves queue night",
      hint: "start one: triaged work --queue night",
    },
  ]);
});

test("why: others are ahead, and the workers are busy", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  for (const priority of [0, 0, 2]) {
    await enqueue(db, { priority });
  }
  const taskId = await enqueue(db);
  await enqueue(db, { priority: 3 });
  await claimTasks(db, await startWorker(db), { max_tasks: 1 });

  expect(await why(db, taskId)).toEqual([
    {
      reason: expect.stringMatching(
        /^it is due since 2026-01-01 .*; 2 tasks of its type are ahead, and 1 worker holds 1 of 1$/,
      ),
      hint: "all are busy: add workers or concurrency",
    },
  ]);
});

test("why: it is about to be claimed", async ({ db }) => {
  const taskId = await enqueue(db);
  await startWorker(db, { concurrency: 3 });

  expect(await why(db, taskId)).toMatchObject([
    { reason: expect.stringContaining("0 tasks of its type are ahead"), hint: null },
  ]);
});

test("why: it counts no more than a thousand tasks that are ahead", async ({ db }) => {
  await db.query("select triaged.enqueue_task('noop') from generate_series(1, 1001)");
  const taskId = await enqueue(db, { priority: 3 });
  await startWorker(db);

  expect(await why(db, taskId)).toMatchObject([
    { reason: expect.stringContaining("1000 or more tasks of its type are ahead") },
  ]);
});

test("why: it runs, so far along", async ({ db }) => {
  const task = await startTask(db);
  const { worker_id } = await readTask(db, task.task_id);
  await db.query("select triaged.report_progress($1, 1, 50, 'cloning')", [task.task_id]);

  expect(await why(db, task.task_id)).toEqual([
    {
      reason: expect.stringMatching(
        new RegExp(
          `^attempt 1 runs since .* on worker ${String(worker_id)} \\(test\\), 50 %: cloning$`,
        ),
      ),
      hint: null,
    },
  ]);
});

test("why: its cancel was requested", async ({ db }) => {
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  expect((await why(db, task.task_id))[1]).toMatchObject({
    reason: expect.stringContaining("its cancel was requested at"),
  });
});

test("why: its worker is silent", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  await setClock(db, "2026-01-01T00:00:16Z");

  expect((await why(db, task.task_id))[1]).toEqual({
    reason: expect.stringContaining("its worker was last seen at 2026-01-01"),
    hint: "any live worker rescues it; is one running?",
  });
});

test("why: it runs for more than an hour", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);
  await setClock(db, "2026-01-01T01:00:01Z");
  await query(db, "select triaged.heartbeat_worker(worker_id) from triaged.workers");

  expect((await why(db, task.task_id))[1]).toEqual({
    reason: "it runs for more than an hour",
    hint: `look at the worker's log, or cancel_task(${task.task_id})`,
  });
});

test("why: a person must decide", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "merge it?" })]);

  expect(await why(db, task.task_id)).toEqual([
    {
      reason: "a person must decide: merge it?",
      hint: expect.stringContaining(`decide_task(${task.task_id}, `),
    },
  ]);
});

test.for([
  { outcome: "finish", reason: /^it is finished since [^:]+:\d\d:\d\d[^:]*$/, hint: null },
  { outcome: "fail", reason: /^it is failed since .*: broken$/, hint: /^retry_task\(\d+\)/ },
])("why: $outcome was the end", async ({ outcome, reason, hint }, { db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, outcome, { error: "broken" })]);

  expect(await why(db, task.task_id)).toEqual([
    {
      reason: expect.stringMatching(reason),
      hint: hint === null ? null : expect.stringMatching(hint),
    },
  ]);
});

test("why: it finished, and its result has a message for people", async ({ db }) => {
  const task = await startTask(db);
  const result = { status: "no_relationships", message: "owner/x is not registered" };
  await settle(db, [outcomeOf(task, "finish", { result })]);

  expect(await why(db, task.task_id)).toEqual([
    {
      reason: expect.stringMatching(/^it is finished since .*: owner\/x is not registered$/),
      hint: null,
    },
  ]);
});

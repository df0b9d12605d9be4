import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  currentRole,
  outcomeOf,
  query,
  readEvents,
  readHistory,
  readTask,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";
import { SETTLING, seedTask } from "../support/transitions.ts";

const BACK_OR_FAILED = SETTLING.filter(({ event }) => event !== "finish");

test.for(BACK_OR_FAILED)("a cancel request wins over $name", async ({ fire, event }, { db }) => {
  const attempt = await seedTask(db, "started");
  const { worker_id, started_at, run_at } = await readTask(db, attempt.task_id);
  await db.query("select triaged.cancel_task($1)", [attempt.task_id]);

  expect(await fire(db, attempt)).toBe(true);

  expect(await readTask(db, attempt.task_id)).toMatchObject({
    status: "cancelled",
    worker_id,
    started_at,
    run_at,
    ended_at: expect.any(Date),
    error: event === "fail" ? "broken" : "Cancelled by user",
  });
  expect((await readHistory(db, attempt.task_id)).at(-1)).toMatchObject({
    event,
    status: "cancelled",
  });
});

test("work that was done before its cancel request arrived is finished", async ({ db }) => {
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  const settled = await settle(db, [outcomeOf(task, "finish", { result: 1 })]);

  expect(settled).toEqual([{ task_id: task.task_id, attempt: 1, status: "finished" }]);
  expect(await readTask(db, task.task_id)).toMatchObject({ status: "finished", result: 1 });
});

test("a worker cancels nothing on its own", async ({ db }) => {
  const task = await startTask(db);

  expect(await settle(db, [outcomeOf(task, "cancelled", { error: "stopped" })])).toEqual([]);

  expect(await readTask(db, task.task_id)).toMatchObject({ status: "started", error: null });
  expect(await readEvents(db, task.task_id)).toEqual(["enqueue", "claim"]);
});

test("an attempt that was reset by hand cannot give up", async ({ db }) => {
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);
  await db.query("update triaged.tasks set status = 'queued'");

  expect(await settle(db, [outcomeOf(task, "cancelled")])).toEqual([]);

  expect(await readTask(db, task.task_id)).toMatchObject({ status: "queued" });
});

test.for([
  { given: "stopped half way", error: "stopped half way" },
  { given: undefined, error: "Cancelled by user" },
])("an attempt that gives up is cancelled with the error $error", async (texts, { db }) => {
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  await settle(db, [outcomeOf(task, "cancelled", { error: texts.given })]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "cancelled",
    error: texts.error,
  });
});

test("the first cancel request of a started task is recorded, with its actor", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db);

  const answers = [];
  for (const second of ["01", "02"]) {
    await setClock(db, `2026-01-01T00:00:${second}Z`);
    answers.push(await call(db, "cancel_task", { task_id: task.task_id }));
  }

  expect(answers.flat()).toEqual([{ cancel_task: "requested" }, { cancel_task: "requested" }]);
  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "started",
    cancel_requested_at: new Date("2026-01-01T00:00:01Z"),
  });
  expect((await readHistory(db, task.task_id)).slice(2)).toMatchObject([
    {
      event: "cancel",
      status: "started",
      actor: await currentRole(db),
      wait_ms: null,
      duration_ms: null,
    },
  ]);
});

test("a worker hears of the cancel requests for what it holds", async ({ db }) => {
  const wanted = await startTask(db);
  await startTask(db);
  await db.query("select triaged.cancel_task($1)", [wanted.task_id]);

  const beats = await query(
    db,
    `select beat.* from triaged.live_tasks
     cross join lateral triaged.heartbeat_worker(worker_id) as beat order by task_id`,
  );

  expect(beats).toEqual([
    { held: true, cancel_requests: [{ task_id: wanted.task_id, attempt: 1 }] },
    { held: true, cancel_requests: [] },
  ]);
});

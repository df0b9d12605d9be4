import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  currentRole,
  enqueue,
  query,
  readEvents,
  readHistory,
  readTask,
  refusal,
  setClock,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const TRIAGE = {
  task_type: "consumer_triage",
  payload: {
    source_repo: "a/b",
    target_repo: "c/d",
    change_event: { commit_sha: "1" },
    relationship_config: { x: 1 },
  },
};

async function getNextTask(db: Client, name = "host-1"): Promise<Record<string, unknown>[]> {
  return await query(db, "select * from triaged.get_next_task($1)", [name]);
}

async function update(db: Client, ...values: unknown[]): Promise<void> {
  const places = values.map((_, index) => `$${index + 1}`).join(", ");
  await db.query(`select triaged.update_task_status(${places})`, values);
}

test("get_next_task claims one triage task, with the older columns", async ({ db }) => {
  const taskId = await enqueue(db, TRIAGE);
  await enqueue(db, TRIAGE);

  expect(await getNextTask(db)).toEqual([
    {
      task_id: taskId,
      skill_name: "trigger_consumer_triage",
      task_type: "consumer_triage",
      ...TRIAGE.payload,
    },
  ]);
  expect(await readEvents(db, taskId)).toEqual(["enqueue", "claim"]);
});

test("get_next_task gives no row where nothing is due", async ({ db }) => {
  await enqueue(db);
  await enqueue(db, { ...TRIAGE, run_at: "2100-01-01T00:00:00Z" });

  expect(await getNextTask(db)).toEqual([]);
});

test("a compat worker is one row for its name, and has the lease of a job", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await getNextTask(db);
  await setClock(db, "2026-01-01T00:09:00Z");
  await getNextTask(db);

  expect(
    await query(db, "select name, kind, lease::text, heartbeat_at from triaged.workers"),
  ).toEqual([
    {
      name: "host-1",
      kind: "compat",
      lease: "00:10:00",
      heartbeat_at: new Date("2026-01-01T00:09:00Z"),
    },
  ]);
});

test("a compat worker is another than a native one of its name", async ({ db }) => {
  await startWorker(db, { name: "host-1" });

  await getNextTask(db, "host-1");

  expect(await query(db, "select kind from triaged.workers order by worker_id")).toEqual([
    { kind: "native" },
    { kind: "compat" },
  ]);
});

test("a compat worker that was declared dead is a new worker when it calls", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await getNextTask(db);
  await setClock(db, "2026-01-01T00:11:00Z");
  await db.query("select triaged.rescue_tasks()");
  const taskId = await enqueue(db, TRIAGE);

  expect(await getNextTask(db)).toMatchObject([{ task_id: taskId }]);

  expect(await query(db, "select end_reason from triaged.workers order by worker_id")).toEqual([
    { end_reason: "lease ran out" },
    { end_reason: null },
  ]);
});

test.for(["", null])("get_next_task wants a name, not %j", async (name, { db }) => {
  const refused = await refusal(db, () => query(db, "select triaged.get_next_task($1)", [name]));

  expect(refused).toMatchObject({ code: "22023", message: "expected a worker name, got none" });
});

test.for([
  { status: "finished", becomes: "finished", event: "finish" },
  { status: "failed", becomes: "queued", event: "fail" },
  { status: "queued", becomes: "queued", event: "release" },
])("$status makes the task $becomes, by the event $event", async (given, { db }) => {
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db);

  await update(db, taskId, given.status, '{"risk": "low"}', "busy");

  expect(await readTask(db, taskId)).toMatchObject({
    status: given.becomes,
    result: given.status === "finished" ? { risk: "low" } : null,
    error: given.status === "failed" ? "busy" : null,
    failure_count: given.status === "failed" ? 1 : 0,
  });
  expect((await readHistory(db, taskId)).at(-1)).toMatchObject({ event: given.event });
});

test("failed ends the task once its budget is spent", async ({ db }) => {
  const taskId = await enqueue(db, { ...TRIAGE, max_attempts: 1 });
  await getNextTask(db);

  await update(db, taskId, "failed", null, "busy");

  expect(await readTask(db, taskId)).toMatchObject({ status: "failed", error: "busy" });
});

test("started renews the lease, and changes nothing else", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db);
  const before = await readTask(db, taskId);
  await setClock(db, "2026-01-01T00:09:00Z");

  await update(db, taskId, "started");

  await setClock(db, "2026-01-01T00:19:00Z");
  expect(await query(db, "select from triaged.rescue_tasks()")).toEqual([]);
  expect(await readTask(db, taskId)).toEqual(before);
});

test("a compat worker that went silent for ten minutes is rescued", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db);
  await setClock(db, "2026-01-01T00:10:01Z");

  expect(await query(db, "select * from triaged.rescue_tasks()")).toEqual([
    { task_id: taskId, status: "queued" },
  ]);
  const refused = await refusal(db, () => update(db, taskId, "finished"));
  expect(refused).toMatchObject({
    code: "TR002",
    message: `task ${taskId} is queued: it cannot be updated by this worker`,
  });
});

test("cancelled cancels a task that waits, and one that the worker holds", async ({ db }) => {
  const waiting = await enqueue(db, { ...TRIAGE, run_at: "2100-01-01T00:00:00Z" });
  const held = await enqueue(db, TRIAGE);
  await getNextTask(db);

  await update(db, waiting, "cancelled");
  await update(db, held, "cancelled");

  for (const taskId of [waiting, held]) {
    expect(await readTask(db, taskId)).toMatchObject({
      status: "cancelled",
      error: "Cancelled by user",
    });
  }
});

test("an unknown status is refused, and the known ones are named", async ({ db }) => {
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db);

  const refused = await refusal(db, () => update(db, taskId, "done"));

  expect(refused).toMatchObject({
    code: "22023",
    message: "unknown status done",
    hint: "Known are finished, failed, queued, cancelled, started.",
  });
});

test("an unknown task is refused", async ({ db }) => {
  expect(await refusal(db, () => update(db, "9007199254740993", "finished"))).toMatchObject({
    code: "TR001",
  });
});

test("a task that waits, or that a native worker holds, is refused", async ({ db }) => {
  const native = await startTask(db);
  const queued = await enqueue(db, TRIAGE);

  for (const taskId of [native.task_id, queued]) {
    for (const status of ["finished", "failed", "queued", "started"]) {
      expect(await refusal(db, () => update(db, taskId, status))).toMatchObject({ code: "TR002" });
    }
  }

  expect(await readEvents(db, queued)).toEqual(["enqueue"]);
  expect(await readEvents(db, native.task_id)).toEqual(["enqueue", "claim"]);
});

test("with its attempt, the late result of a rescued compat worker is refused", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db, "host-1");
  await setClock(db, "2026-01-01T00:11:00Z");
  await db.query("select triaged.rescue_tasks()");
  await getNextTask(db, "host-2");

  const refused = await refusal(db, () => update(db, taskId, "finished", '"late"', null, 1));
  await update(db, taskId, "finished", '"in time"', null, 2);

  expect(refused).toMatchObject({ code: "TR002" });
  expect(await readTask(db, taskId)).toMatchObject({ status: "finished", result: "in time" });
});

test("history says that a worker did it, also for the older functions", async ({ db }) => {
  const taskId = await enqueue(db, TRIAGE);
  await getNextTask(db);
  await update(db, taskId, "finished");

  expect((await readHistory(db, taskId)).map(({ event, actor }) => [event, actor])).toEqual([
    ["enqueue", await currentRole(db)],
    ["claim", "worker"],
    ["finish", "worker"],
  ]);
});

import { Client as PgClient } from "pg";
import { describe, expect } from "vitest";
import { createClient, WaitTimeoutError } from "../../src/index.ts";
import { test } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import {
  claim,
  claimTasks,
  currentRole,
  outcomeOf,
  query,
  readTask,
  settle,
  startWorker,
} from "../support/tasks.ts";

test("enqueue passes every option to the queue", async ({ db }) => {
  const client = createClient({ pool: db });
  const parent = await client.enqueue("noop", {});
  const runAt = new Date("2030-01-02T03:04:05Z");

  const { taskId, taskType, outcome } = await client.enqueue(
    "noop",
    { a: [1, "é"] },
    {
      queue: "mail",
      priority: "high",
      runAt,
      maxAttempts: 7,
      dedupeKey: "k",
      dedupeForMs: 60_000,
      parentTaskId: parent.taskId,
      metadata: { trace: "t" },
    },
  );

  expect({ taskType, outcome }).toEqual({ taskType: "noop", outcome: "created" });
  expect(await readTask(db, taskId)).toMatchObject({
    task_type: "noop",
    payload: { a: [1, "é"] },
    queue: "mail",
    priority: 1,
    run_at: runAt,
    max_attempts: 7,
    dedupe_key: "k",
    parent_task_id: parent.taskId,
    metadata: { trace: "t" },
  });
  const [key] = await query(db, "select until - now() > '50 s' as held from triaged.dedupe_keys");
  expect(key).toEqual({ held: true });
});

test("a second task with a live dedupe key is a duplicate, or replaces the first", async ({
  db,
}) => {
  const client = createClient({ pool: db });
  const first = await client.enqueue("noop", { n: 1 }, { dedupeKey: "k" });

  const kept = await client.enqueue("noop", { n: 2 }, { dedupeKey: "k" });
  const replaced = await client.enqueue(
    "noop",
    { n: 3 },
    { dedupeKey: "k", dedupeMode: "replace" },
  );

  expect(kept).toEqual({ ...first, outcome: "duplicate" });
  expect(replaced).toEqual({ ...first, outcome: "replaced" });
  expect(await client.get(first.taskId)).toMatchObject({ payload: { n: 3 } });
});

test("enqueueMany answers in the order of the tasks", async ({ db }) => {
  const client = createClient({ pool: db });

  const enqueued = await client.enqueueMany([
    { taskType: "b", payload: { n: 1 }, dedupeKey: "k", dedupeForMs: 1000 },
    { taskType: "a", payload: { n: 2 }, priority: 0, queue: "mail" },
    { taskType: "b", payload: { n: 3 }, dedupeKey: "k" },
  ]);

  expect(enqueued.map(({ taskType, outcome }) => `${taskType} ${outcome}`)).toEqual([
    "b created",
    "a created",
    "b duplicate",
  ]);
  expect(enqueued[2]?.taskId).toBe(enqueued[0]?.taskId);
  expect(await readTask(db, enqueued[1]?.taskId ?? "")).toMatchObject({
    payload: { n: 2 },
    priority: 0,
    queue: "mail",
  });
});

test("enqueueMany of nothing is nothing", async ({ db }) => {
  expect(await createClient({ pool: db }).enqueueMany([])).toEqual([]);
});

test("a task exists if and only if the caller's transaction commits", async ({ database }) => {
  const client = createClient({ connectionString: database.url });
  const db = new PgClient({ connectionString: database.url });
  await db.connect();

  await db.query("begin");
  const lost = await client.enqueue("noop", {}, { db });
  expect(await client.get(lost.taskId)).toBeNull();
  await db.query("rollback");
  await db.query("begin");
  const kept = await client.enqueue("noop", {}, { db });
  await db.query("commit");

  expect(await client.get(lost.taskId)).toBeNull();
  expect(await client.get(kept.taskId)).toMatchObject({ taskId: kept.taskId, status: "queued" });
  await db.end();
  await client.close();
});

describe("wait", () => {
  test("resolves to the finished task and its result", async ({ db }) => {
    const client = createClient({ pool: db });
    const task = await client.enqueue("noop", {});
    const waiting = client.wait(task);
    const claimed = await claim(db);

    await settle(db, [outcomeOf(claimed, "finish", { result: { ok: true } })]);

    expect(await waiting).toMatchObject({
      taskId: task.taskId,
      status: "finished",
      result: { ok: true },
      attemptCount: 1,
    });
  });

  test("resolves to a task that failed, by its id", async ({ db }) => {
    const client = createClient({ pool: db });
    const { taskId } = await client.enqueue("noop", {});
    await settle(db, [outcomeOf(await claim(db), "fail", { error: "broken" })]);

    expect(await client.wait(taskId)).toMatchObject({ status: "failed", error: "broken" });
  });

  test("gives up after its timeout, and the task goes on", async ({ db }) => {
    const client = createClient({ pool: db });
    const task = await client.enqueue("noop", {});

    await expect(client.wait(task, { timeoutMs: 120 })).rejects.toThrow(
      new WaitTimeoutError(task.taskId, 120),
    );
    expect(await client.get(task.taskId)).toMatchObject({ status: "queued" });
  });

  test("ends with the reason of its signal", async ({ db }) => {
    const client = createClient({ pool: db });
    const task = await client.enqueue("noop", {});
    const stop = new AbortController();
    const waiting = client.wait(task, { signal: stop.signal });

    stop.abort(new Error("enough"));

    await expect(waiting).rejects.toThrow("enough");
  });

  test("refuses an unknown task", async ({ db }) => {
    await expect(createClient({ pool: db }).wait("987654321")).rejects.toMatchObject({
      name: "QueueError",
      code: "unknown_task",
    });
  });

  test("outlives a lost connection", async ({ database }) => {
    const client = createClient({ connectionString: database.url });
    const task = await client.enqueue("awaited", {});
    const waiting = client.wait(task);
    const killer = poolOf(database.url);

    await query(
      killer,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'triaged client' and datname = current_database()`,
    );
    const workerId = await startWorker(killer, { task_types: ["awaited"] });
    const claimed = await claimTasks(killer, workerId);
    await settle(
      killer,
      claimed.map((each) => outcomeOf(each, "finish")),
    );

    expect(await waiting).toMatchObject({ status: "finished" });
    await killer.end();
    await client.close();
  });
});

test("cancel, retry and decide are the queue's", async ({ db }) => {
  const client = createClient({ pool: db });
  const { taskId } = await client.enqueue("noop", {});

  expect(await client.cancel(taskId)).toBe("cancelled");
  await client.retry(taskId);
  await settle(db, [outcomeOf(await claim(db), "ask", { prompt: "really?" })]);
  expect(await client.get(taskId)).toMatchObject({
    status: "needs_decision",
    decisionPrompt: "really?",
  });
  await client.decide(taskId, { answer: "yes" });
  const claimed = await claim(db);

  expect(claimed["decision"]).toEqual({ answer: "yes" });
  expect(await client.cancel(taskId)).toBe("requested");
  const history = await client.history(taskId);
  expect(new Set(history.map(({ login }) => login))).toEqual(new Set([await currentRole(db)]));
  expect(history.map((entry) => entry.event)).toEqual([
    "enqueue",
    "cancel",
    "retry",
    "claim",
    "ask",
    "decide",
    "claim",
    "cancel",
  ]);
});

test("list filters, the newest first, and get tells of a payload", async ({ db }) => {
  const client = createClient({ pool: db });
  const first = await client.enqueue("a", { n: 1 });
  const second = await client.enqueue("a", { n: 2 }, { queue: "mail" });
  await client.enqueue("b", {});

  const ids = async (filter: Parameters<typeof client.list>[0]) =>
    (await client.list(filter)).map((task) => task.taskId);

  expect(await ids({ taskType: "a" })).toEqual([second.taskId, first.taskId]);
  expect(await ids({ taskType: "a", queue: "mail" })).toEqual([second.taskId]);
  expect(await ids({ taskType: "a", limit: 1 })).toEqual([second.taskId]);
  expect(await ids({ taskType: "a", status: "failed" })).toEqual([]);
  await expect(client.list({ limit: 101 })).rejects.toThrow(/limit to be an integer from 1 to 100/);
});

test("why tells what holds a task back", async ({ db }) => {
  const client = createClient({ pool: db });
  const { taskId } = await client.enqueue("nobody_has_this", {});

  expect((await client.why(taskId)).length).toBeGreaterThan(0);
});

test("an invalid Date is refused, and does not mean now", async ({ db }) => {
  const client = createClient({ pool: db });
  const runAt = new Date("no date");

  await expect(client.enqueue("noop", {}, { runAt })).rejects.toThrow(/runAt .*invalid Date/);
  await expect(client.enqueueMany([{ taskType: "noop", payload: {}, runAt }])).rejects.toThrow(
    /runAt .*invalid Date/,
  );
  expect(await client.list()).toEqual([]);
});

test("a refusal is a QueueError with a code and a hint", async ({ database }) => {
  const client = createClient({ connectionString: database.url });
  const { taskId } = await client.enqueue("noop", {});
  await client.cancel(taskId);

  const [unknown, twice, priority] = await Promise.allSettled([
    client.retry("987654321"),
    client.cancel(taskId),
    client.enqueue("noop", {}, { maxAttempts: 101 }),
  ]);

  expect(unknown).toMatchObject({ reason: { name: "QueueError", code: "unknown_task" } });
  expect(twice).toMatchObject({ reason: { code: "illegal_transition", hint: /\w/ } });
  expect(priority).toMatchObject({ reason: { code: "bad_argument" } });
  await client.close();
});

import { expect } from "vitest";
import { createClient } from "../../src/index.ts";
import { createTriageClient } from "../../src/triage/client.ts";
import { test } from "../support/connections.ts";
import { claimTasks, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";
import { verify } from "../support/verify.ts";

const CHANGE = { source_repo: "acme/lib", commit_sha: "abc1234", commit_message: "m", branch: "b" };
const CONFIG = { relationship_type: "api_consumer" };

test("enqueueConsumerTriage and enqueueTemplateTriage enqueue what the handlers read", async ({
  db,
}) => {
  const client = createClient({ pool: db });
  const triage = createTriageClient(client);

  const consumer = await triage.enqueueConsumerTriage("acme/lib", "acme/app", CHANGE, CONFIG);
  const template = await triage.enqueueTemplateTriage("acme/lib", "acme/app", CHANGE, CONFIG);

  const payload = {
    source_repo: "acme/lib",
    target_repo: "acme/app",
    change_event: CHANGE,
    relationship_config: CONFIG,
  };
  expect(await client.get(consumer)).toMatchObject({ taskType: "consumer_triage", payload });
  expect(await client.get(template)).toMatchObject({ taskType: "template_triage", payload });
});

test("the same commit for the same pair is one live task", async ({ db }) => {
  const triage = createTriageClient(createClient({ pool: db }));

  const first = await triage.enqueueConsumerTriage("acme/lib", "acme/app", CHANGE, CONFIG);
  const again = await triage.enqueueConsumerTriage("acme/lib", "acme/app", CHANGE, CONFIG);
  const other = await triage.enqueueConsumerTriage("acme/lib", "acme/web", CHANGE, CONFIG);

  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test("notifyChange tells of a change once, in the caller's transaction", async ({ db }) => {
  const client = createClient({ pool: db });
  const triage = createTriageClient(client);

  const first = await triage.notifyChange(CHANGE, { queue: "triage", priority: "high", db });
  const again = await triage.notifyChange({ ...CHANGE, timestamp: "later" });

  expect(first.outcome).toBe("created");
  expect(again).toEqual({ taskId: first.taskId, outcome: "duplicate" });
  expect(await client.get(first.taskId)).toMatchObject({
    taskType: "change_notification",
    queue: "triage",
    payload: { source_repo: "acme/lib", change_event: CHANGE },
  });
  await expect(triage.notifyChange({ ...CHANGE, branch: "" })).rejects.toMatchObject({
    name: "QueueError",
    code: "bad_argument",
  });
});

test("changes without a commit are never taken for one", async ({ db }) => {
  const triage = createTriageClient(createClient({ pool: db }));

  const first = await triage.enqueueConsumerTriage("acme/lib", "acme/app", {}, CONFIG);

  expect(await triage.enqueueConsumerTriage("acme/lib", "acme/app", {}, CONFIG)).not.toBe(first);
});

test("getTaskStatus tells a task under the old names, by id and by the producer's key", async ({
  db,
}) => {
  const client = createClient({ pool: db });
  const triage = createTriageClient(client);
  const payload = { source_repo: "acme/lib", target_repo: "acme/app" };
  const { taskId } = await client.enqueue("consumer_triage", payload, { dedupeKey: "task-uuid" });
  const workerId = await startWorker(db, { name: "host-7", task_types: ["consumer_triage"] });
  const [claimed] = await claimTasks(db, workerId);
  await settle(db, claimed ? [outcomeOf(claimed, "finish", { result: { ok: 1 } })] : []);

  const status = await triage.getTaskStatus("task-uuid");

  expect(status).toEqual({
    task_id: taskId,
    status: "finished",
    skill_name: "trigger_consumer_triage",
    task_type: "consumer_triage",
    source_repo: "acme/lib",
    target_repo: "acme/app",
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    started_at: expect.stringMatching(/^\d{4}-.*Z$/),
    ended_at: expect.stringMatching(/^\d{4}-.*Z$/),
    result: { ok: 1 },
    error: null,
    worker_id: "host-7",
    attempt_count: 1,
  });
  expect(await triage.getTaskStatus(taskId)).toEqual(status);
});

test.for(["987654321", "nobody's key", "1; drop table tasks"])(
  "getTaskStatus of %s is not_found",
  async (id, { db }) => {
    expect(await createTriageClient(createClient({ pool: db })).getTaskStatus(id)).toEqual({
      task_id: id,
      status: "not_found",
      error: "Task not found",
    });
  },
);

test("cancelTask tells whether it cancelled", async ({ database }) => {
  const client = createClient({ connectionString: database.url });
  const triage = createTriageClient(client);
  const { taskId } = await client.enqueue("noop", {}, { dedupeKey: "mine" });

  expect(await triage.cancelTask("mine")).toBe(true);
  expect(await client.get(taskId)).toMatchObject({
    status: "cancelled",
    error: "Cancelled by user",
  });
  expect(await triage.cancelTask(taskId)).toBe(false);
  expect(await triage.cancelTask("987654321")).toBe(false);
  await client.close();
});

test("cleanupOldTasks never touches live tasks, and counts the others", async ({ db }) => {
  const client = createClient({ pool: db });
  const triage = createTriageClient(client);
  const { taskId } = await client.enqueue("noop", {});
  for (const ended of await client.enqueueMany([
    { taskType: "noop", payload: {} },
    { taskType: "noop", payload: {} },
  ])) {
    await client.cancel(ended.taskId);
  }
  await query(db, "select set_config('triaged.fake_now', '2100-01-01', true)");

  expect(await triage.cleanupOldTasks(7)).toBe(2);

  expect(await client.get(taskId)).toMatchObject({ status: "queued" });
});

test("getQueueStats counts by status and type", async ({ db }) => {
  const client = createClient({ pool: db });
  const triage = createTriageClient(client);
  await client.enqueue("a", {});
  await client.enqueue("b", {});
  const cancelled = await client.enqueue("b", {});
  await client.cancel(cancelled.taskId);

  expect(await triage.getQueueStats()).toEqual({
    status_counts: { queued: 2, cancelled: 1 },
    type_counts: { a: 1, b: 2 },
    avg_duration_seconds: 0,
    queued: 2,
    processing: 0,
    completed: 0,
    failed: 0,
    backend: "postgresql",
  });
});

test("getTaskStatus and cancelTask find a task by the id of a key that was released", async ({
  db,
}) => {
  const triage = createTriageClient(createClient({ pool: db }));
  const insert = (id: string) =>
    db.query(
      `insert into triaged_compat.tasks (task_id, task_type, source_repo, target_repo)
       values ($1, 'consumer_triage', 'a/b', 'c/d')`,
      [id],
    );
  await insert("first");
  const workerId = await startWorker(db, { name: "host-7", task_types: ["consumer_triage"] });
  const [claimed] = await claimTasks(db, workerId);
  await settle(db, claimed ? [outcomeOf(claimed, "finish", { result: { ok: 1 } })] : []);
  await db.query("select triaged.expire_rows()");
  await insert("second");

  expect(await triage.getTaskStatus("first")).toMatchObject({
    status: "finished",
    result: { ok: 1 },
  });
  expect(await triage.cancelTask("second")).toBe(true);
  expect(await triage.getTaskStatus("second")).toMatchObject({ status: "cancelled" });
  expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
});

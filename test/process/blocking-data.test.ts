// Goal: a task that blocks the event loop of its workers, in whatever place its data are read,
// is paid for by that task alone, and ends.

import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { BLOCKING_PLACES, type BlockingPlace } from "../fixtures/blocking-handler.ts";
import { concurrentTest as test, waitFor } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const TASKS = path.join(import.meta.dirname, "..", "fixtures", "blocking");
/** Longer than a loop may be silent before its worker releases what has not started. */
const BLOCK_MS = 1_800;
const ENDLESS_MS = 600_000;

test.for(["payload", "payload, later"] as const)(
  "a task whose %s takes longer to read than its timeout fails within its budget",
  async (where, { url, client }) => {
    const taskId = await enqueueBlocking(client, "hasty", { where, ms: BLOCK_MS });
    await using _worker = startWorkerProcess(url, { tasks: TASKS, env: PATIENT });

    const task = await waitForStatus(client, taskId, "failed");

    expect(task).toMatchObject({ attempt_count: 2, failure_count: 2, rescue_count: 0 });
    expect(task.error).toMatch(
      /^AttemptAborted: timed out after 500 ms(; reading the payload took 1\d\d\d ms and blocked the worker)?$/,
    );
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      "claim started",
      "fail queued",
      "claim started",
      "fail failed",
    ]);
  },
);

test("an attempt that blocks its worker within its timeout is not released", {
  timeout: 120_000,
}, async ({ url, client }) => {
  const taskIds = new Map<BlockingPlace, string>();
  for (const where of BLOCKING_PLACES.filter((place) => place !== "handler, abort")) {
    taskIds.set(where, await enqueueBlocking(client, "patient", { where, ms: BLOCK_MS }));
  }
  // It holds no other that it could release.
  const args = ["--concurrency", "1"];
  await using _worker = startWorkerProcess(url, { tasks: TASKS, args, env: PATIENT });

  await waitFor(async () => (await unfinished(client)) === 0, { deadlineMs: 100_000 });

  const stories = new Map<BlockingPlace, string[]>();
  for (const [where, taskId] of taskIds) {
    stories.set(where, await readStory(client, taskId));
  }
  expect([...stories].filter(([, story]) => story.includes("release queued"))).toEqual([]);
});

test.for(BLOCKING_PLACES)(
  "a task that blocks for ever (%s) ends",
  { timeout: 120_000 },
  async (where, { url, client }) => {
    const taskId = await enqueueBlocking(client, "hasty", { where, ms: ENDLESS_MS });
    const bystander = await enqueue(client, { task_type: "quick", payload: {} });

    await workUntil(url, async () => (await unfinished(client)) === 0);

    expect(await readTask(client, taskId)).toMatchObject({ status: "failed" });
    expect(await readTask(client, bystander)).toMatchObject({
      status: "finished",
      failure_count: 0,
    });
  },
);

test("tasks that block three workers at once all end, and cost the others nothing", {
  timeout: 120_000,
}, async ({ url, client }) => {
  const bad: string[] = [];
  const good: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    bad.push(await enqueueBlocking(client, "hasty", { where: "payload", ms: ENDLESS_MS }));
    good.push(await enqueue(client, { task_type: "quick", payload: {} }));
  }

  await Promise.all(
    [1, 2, 3].map(() => workUntil(url, async () => (await unfinished(client)) === 0)),
  );

  for (const taskId of bad) {
    const task = await readTask(client, taskId);
    expect(task).toMatchObject({ status: "failed", failure_count: 2 });
    expect(task.error).toMatch(/reading the payload blocked the event loop past the grace time$/);
  }
  for (const taskId of good) {
    expect(await readTask(client, taskId)).toMatchObject({
      status: "finished",
      failure_count: 0,
      rescue_count: 0,
    });
  }
});

test("a worker that a timer of an ended handler blocks for ever is killed", {
  timeout: 60_000,
}, async ({ url, client }) => {
  await enqueue(client, { task_type: "heir", payload: {} });
  await using worker = startWorkerProcess(url, { tasks: TASKS });

  expect(await worker.exited).toBeNull();

  expect(worker.log()).toContainEqual(expect.objectContaining({ level: "fatal", tasks: [] }));
});

const PATIENT = { SHUTDOWN_GRACE_MS: "60000" };

async function enqueueBlocking(
  client: Client,
  task_type: "hasty" | "patient",
  payload: { where: BlockingPlace; ms: number },
): Promise<string> {
  return await enqueue(client, {
    task_type,
    payload,
    max_attempts: 2,
  });
}

async function unfinished(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::integer as count from triaged.live_tasks where worker_id is not null or status = 'queued'",
  );
  return rows[0]?.count ?? 0;
}

/** A worker, and another one whenever it ends, as a supervisor would have it. */
async function workUntil(url: string, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    await using worker = startWorkerProcess(url, { tasks: TASKS });
    const ended = worker.exited.then(() => "ended");
    await Promise.race([ended, waitFor(isDone, { deadlineMs: 60_000 })]);
  }
}

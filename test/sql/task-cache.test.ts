// Goal: what is read from memory is what the database says, but for a moment, and is never read
// from there while nobody can tell.
import type { Client } from "pg";
import { expect } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { HistoryTail } from "../../src/client/history-tail.ts";
import { type CacheLimits, TaskCache } from "../../src/client/task-cache.ts";
import { inSchema } from "../../src/database/database.ts";
import { getTask } from "../../src/database/reader.ts";
import { test as base, waitFor } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import { enqueue, startTask } from "../support/tasks.ts";

type TestCache = { readonly cache: TaskCache; readonly tail: HistoryTail };

const test = base.extend<{ limits: Partial<CacheLimits>; opened: TestCache }>({
  limits: {},
  opened: async ({ url, limits }, use) => {
    const pool = poolOf(url);
    const tail = new HistoryTail({ read: (work) => work(inSchema(pool)) });
    const read = (taskId: string) => getTask(inSchema(pool), taskId);
    const cache = new TaskCache({ tail, read, limits });
    await use({ cache, tail });
    cache.close();
    await tail.close();
    await pool.end();
  },
});

/** Read until it comes from memory. */
async function warm(cache: TaskCache, taskId: string): Promise<void> {
  await waitFor(async () => {
    const { hits } = cache.counts;
    await cache.get(taskId);
    return cache.counts.hits > hits;
  });
}

const statusOf = async (cache: TaskCache, taskId: string) => (await cache.get(taskId))?.status;

test("a task is read once, and again when something happened to it", async ({ client, opened }) => {
  const { cache } = opened;
  const [taskId, other] = [await enqueue(client), await enqueue(client)];
  await warm(cache, taskId);
  await warm(cache, other);
  const { misses } = cache.counts;
  for (let n = 0; n < 100; n += 1) await cache.get(taskId);
  expect(cache.counts.misses).toBe(misses);

  await client.query("select triaged.cancel_task($1)", [taskId]);

  await waitFor(async () => (await statusOf(cache, taskId)) === "cancelled");
  await cache.get(other);
  expect(cache.counts.misses).toBe(misses + 1);
});

test("a read that a transition overtakes is not kept", async ({ client, opened }) => {
  const { tail } = opened;
  const taskId = await enqueue(client);
  let release = Promise.withResolvers<void>();
  const slow = new TaskCache({
    tail,
    read: async (id) => {
      const task = await getTask(inSchema(client), id);
      await release.promise;
      return task;
    },
  });
  release.resolve();
  await warm(slow, taskId);
  slow.drop(taskId);
  release = Promise.withResolvers();
  const overtaken = slow.get(taskId);
  const over = new AbortController();
  const follower = await tail.begin({ taskId }, over.signal);
  await client.query("select triaged.cancel_task($1)", [taskId]);
  for await (const { event } of follower) if (event === "cancel") break;
  release.resolve();

  expect((await overtaken)?.status).toBe("queued");
  expect(await statusOf(slow, taskId)).toBe("cancelled");
  over.abort();
  slow.close();
});

test("while a transaction holds history back, the database is asked", async ({
  client,
  connect,
  opened,
}) => {
  const { cache } = opened;
  const taskId = await enqueue(client);
  await warm(cache, taskId);
  const late = await connect();
  await late.query("begin");
  await enqueue(late);
  await client.query("select triaged.cancel_task($1)", [taskId]);

  await waitFor(async () => (await statusOf(cache, taskId)) === "cancelled");

  const { hits } = cache.counts;
  await cache.get(taskId);
  expect(cache.counts.hits).toBe(hits);
  await late.query("commit");
});

const briefTest = test.extend({ limits: { startedMs: 1 } });
briefTest("progress of a task that runs is soon seen", async ({ client, opened }) => {
  const { cache } = opened;
  const task = await startTask(client);
  await waitFor(async () => (await statusOf(cache, task.task_id)) === "started");
  await client.query("select triaged.report_progress($1, $2, 50)", [
    task.task_id,
    task.attempt_count,
  ]);

  await waitFor(async () => (await cache.get(task.task_id))?.progress_pct === 50);
});

const smallTest = test.extend({ limits: { tasksMax: 10 } });
smallTest("so many tasks are kept", async ({ client, opened }) => {
  const { cache } = opened;
  const ids: string[] = [];
  for (let n = 0; n < 11; n += 1) ids.push(await enqueue(client));
  for (const id of ids) await warm(cache, id);
  const { misses } = cache.counts;

  await cache.get(ids.at(-1) ?? "");
  await cache.get(ids[0] ?? "");

  expect(cache.counts.misses).toBe(misses + 1);
});

const idleTest = test.extend({ limits: { idleMs: 50 } });
idleTest("nobody who asks, nothing that is followed", async ({ client, opened }) => {
  const taskId = await enqueue(client);

  const reading = opened.cache.get(taskId);

  expect(opened.tail.size).toBe(1);
  await reading;
  await waitFor(() => opened.tail.size === 0);
});

test("an unknown task is null, and is found once it is there", async ({ client, opened }) => {
  const { cache } = opened;
  await warm(cache, await enqueue(client));

  expect(await cache.get("2")).toBeNull();
  expect(await statusOf(cache, await enqueue(client))).toBe("queued");
});

test("a client reads so on demand, and its answers are its own", async ({ url, client }) => {
  const queue = createClient({ connectionString: url });
  const taskId = await enqueueOf(client);
  const first = await queue.get(taskId, { cached: true });
  await waitFor(async () => {
    await queue.get(taskId, { cached: true });
    return (await queue.cachedReads()).hits > 0;
  });
  const second = await queue.get(taskId, { cached: true });
  Object.assign(second?.payload ?? {}, { changed: true });

  const third = await queue.get(taskId, { cached: true });
  await queue.cancel(taskId);
  const fresh = await queue.get(taskId);

  expect(first?.status).toBe("queued");
  expect(third?.payload).toEqual({ a: 1 });
  expect(fresh?.status).toBe("cancelled");
  await queue.close();
});

async function enqueueOf(client: Client): Promise<string> {
  return await enqueue(client, { payload: { a: 1 } });
}

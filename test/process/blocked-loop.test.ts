// Goal: a handler that blocks the event loop of its worker keeps no other task, and does not
// keep its own for ever.

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { test as base, found, waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const ENDLESS_MS = 600_000;

const test = base.extend<{ journal: string }>({
  journal: async ({}, use) => {
    const folder = await makeTemporaryFolder();
    await use(path.join(folder.path, "journal"));
    await folder.remove();
  },
});

const calls = async (journal: string) =>
  (await readFile(journal, "utf8").catch(() => "")).split("\n").filter(Boolean);

/** Wait for the call of the one handler that blocks; resolves to its task. */
const firstCalled = async (journal: string) =>
  found(found(await waitFor(async () => (await calls(journal))[0])).split("/")[0]);

test("tasks that wait behind a handler that blocks its worker run elsewhere, once", async ({
  url,
  client,
  journal,
}) => {
  // Within timeout and grace time: the worker lives on.
  const taskIds = await enqueueSpins(client, { ms: 5_000, journal });
  const grace = { env: { SHUTDOWN_GRACE_MS: "60000" } };
  await using _blocked = startWorkerProcess(url, grace);
  const blocking = await firstCalled(journal);
  await using _other = startWorkerProcess(url, grace);
  const behind = taskIds.filter((taskId) => taskId !== blocking);

  for (const taskId of behind) {
    await waitForStatus(client, taskId, "finished");
  }

  expect(await readTask(client, blocking)).toMatchObject({ status: "started" });
  for (const taskId of behind) {
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      "claim started",
      "release queued",
      "claim started",
      "finish finished",
    ]);
  }
  // It has come to itself, and does not begin what it has lost.
  await waitForStatus(client, blocking, "finished");
  expect((await calls(journal)).toSorted()).toEqual(
    [`${blocking}/1`, ...behind.map((taskId) => `${taskId}/2`)].toSorted(),
  );
});

test("a worker that was blocked for a while claims again", async ({ url, client, journal }) => {
  const [taskId] = await enqueueSpins(client, { ms: 2_500, journal, count: 1 });
  await using _worker = startWorkerProcess(url, { env: { SHUTDOWN_GRACE_MS: "60000" } });
  await waitForStatus(client, found(taskId), "finished");

  const next = await enqueue(client);

  expect(await waitForStatus(client, next, "finished")).toMatchObject({ attempt_count: 1 });
});

test("a handler that blocks past its timeout takes its worker down and is charged for it", async ({
  url,
  client,
  journal,
}) => {
  const taskIds = await enqueueSpins(client, { ms: ENDLESS_MS, journal, max_attempts: 1 });
  await using worker = startWorkerProcess(url);
  const blocking = await firstCalled(journal);

  // Killed from within: it runs no code that could exit.
  expect(await worker.exited).toBeNull();

  expect(await readTask(client, blocking)).toMatchObject({
    status: "failed",
    failure_count: 1,
    error: expect.stringContaining("blocked the event loop past"),
  });
  for (const taskId of taskIds.filter((each) => each !== blocking)) {
    expect(await readTask(client, taskId)).toMatchObject({ status: "queued", failure_count: 0 });
  }
  const { rows } = await client.query("select end_reason from triaged.workers");
  expect(rows).toEqual([{ end_reason: "a handler blocks the event loop" }]);
  expect(worker.log()).toContainEqual(
    expect.objectContaining({ level: "fatal", tasks: [blocking] }),
  );
});

test.for([
  { later: false, charged: "the one that blocks them is charged", failures: 1, rescues: 0 },
  {
    later: true,
    charged: "none is charged for one that blocks them after a wait",
    failures: 0,
    rescues: 1,
  },
])(
  "of several handlers that run, $charged",
  async ({ later, failures, rescues }, { url, client, journal }) => {
    const beside = await enqueue(client, { task_type: "deaf", payload: {}, max_attempts: 1 });
    await using worker = startWorkerProcess(url, { env: { SHUTDOWN_GRACE_MS: "4000" } });
    await waitForStatus(client, beside, "started");
    const [taskId] = await enqueueSpins(client, { ms: ENDLESS_MS, journal, later, count: 1 });
    const blocking = found(taskId);

    expect(await worker.exited).toBeNull();

    await waitFor(async () => {
      await client.query("select from triaged.rescue_tasks()");
      return (await readTask(client, blocking)).status === "queued";
    });
    expect(await readTask(client, blocking)).toMatchObject({
      failure_count: failures,
      rescue_count: rescues,
    });
    expect(await readTask(client, beside)).toMatchObject({
      status: "queued",
      failure_count: 0,
      rescue_count: rescues,
    });
  },
);

/** As many as one claim takes, before there is a worker. */
async function enqueueSpins(
  client: Client,
  {
    count = 5,
    max_attempts,
    ...payload
  }: {
    ms: number;
    journal: string;
    later?: boolean;
    count?: number;
    max_attempts?: number;
  },
): Promise<string[]> {
  const taskIds: string[] = [];
  for (let index = 0; index < count; index += 1) {
    taskIds.push(await enqueue(client, { task_type: "spin", payload, max_attempts }));
  }
  return taskIds;
}

// Goal: a worker that is told to stop loses nothing and charges nothing for it.

import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, readTask, waitForStatus } from "../support/tasks.ts";

test("on SIGTERM short tasks finish, long ones are released at no cost", async ({
  url,
  client,
}) => {
  const short = await enqueue(client, { task_type: "wait", payload: { ms: 200 } });
  const long = await enqueue(client, { task_type: "wait", payload: { ms: 60_000 } });
  await using worker = startWorkerProcess(url, { env: { SHUTDOWN_GRACE_MS: "1000" } });
  await waitForStatus(client, short, "started");
  await waitForStatus(client, long, "started");

  worker.signal("SIGTERM");

  expect(await worker.exited).toBe(0);
  expect(await readTask(client, short)).toMatchObject({ status: "finished" });
  expect(await readTask(client, long)).toMatchObject({
    status: "queued",
    attempt_count: 1,
    failure_count: 0,
    rescue_count: 0,
  });
  expect(await readStory(client, long)).toEqual([
    "enqueue queued",
    "claim started",
    "release queued",
  ]);
  const { rows } = await client.query("select end_reason from triaged.workers");
  expect(rows).toEqual([{ end_reason: "stopped" }]);
});

test("a second SIGTERM does not wait for the grace time", async ({ url, client }) => {
  const long = await enqueue(client, { task_type: "wait", payload: { ms: 60_000 } });
  await using worker = startWorkerProcess(url, { env: { SHUTDOWN_GRACE_MS: "60000" } });
  await waitForStatus(client, long, "started");

  const exited = worker.exited.then(() => true);
  await waitFor(() => {
    worker.signal("SIGTERM");
    return Promise.race([exited, delay(100, false)]);
  });

  expect(await worker.exited).toBe(0);
  expect(await readTask(client, long)).toMatchObject({ status: "queued", failure_count: 0 });
});

test("a worker that drains works off what is due and exits", async ({ url, client }) => {
  const due = await enqueue(client);
  const later = await enqueue(client, { run_at: "2999-01-01T00:00:00Z" });
  await using worker = startWorkerProcess(url, { args: ["--drain"] });

  expect(await worker.exited).toBe(0);
  expect(await readTask(client, due)).toMatchObject({ status: "finished" });
  expect(await readTask(client, later)).toMatchObject({ status: "queued", attempt_count: 0 });
});

test("a handler that ignores its signal takes the worker down, and nothing else", async ({
  url,
  client,
}) => {
  const deaf = await enqueue(client, { task_type: "deaf", payload: {}, max_attempts: 1 });
  const other = await enqueue(client, { task_type: "wait", payload: { ms: 60_000 } });
  await using worker = startWorkerProcess(url);

  expect(await worker.exited).toBe(70);
  expect(await readTask(client, deaf)).toMatchObject({
    status: "failed",
    error: expect.stringMatching(
      /^AttemptAborted: timed out after 300 ms; the handler ignored its signal/,
    ),
  });
  expect(await readTask(client, other)).toMatchObject({ status: "queued", failure_count: 0 });
});

test("of several handlers that hang past their timeouts each has failed, whichever ends the worker", async ({
  url,
  client,
}) => {
  const deaf: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    deaf.push(await enqueue(client, { task_type: "deaf", payload: {}, max_attempts: 1 }));
  }
  await using worker = startWorkerProcess(url);

  expect(await worker.exited).toBe(70);

  for (const taskId of deaf) {
    expect(await readTask(client, taskId)).toMatchObject({ status: "failed", failure_count: 1 });
  }
});

test("a handler that keeps its connection does not keep the process", async ({ url, client }) => {
  const taskId = await enqueue(client, { task_type: "keep", payload: { seconds: 600 } });
  await using worker = startWorkerProcess(url);
  await waitForStatus(client, taskId, "started");

  worker.signal("SIGTERM");

  expect(await worker.exited).toBe(70);
  expect(await readTask(client, taskId)).toMatchObject({ status: "queued", failure_count: 0 });
});

test("task files that keep all connections leave the worker its own", async ({ url, client }) => {
  const keeping = await enqueue(client, { task_type: "keep", payload: { seconds: 600 } });
  await using _worker = startWorkerProcess(url, { env: { DB_POOL_SIZE: "1" } });
  await waitForStatus(client, keeping, "started");

  const other = await enqueue(client);

  await waitForStatus(client, other, "finished");
  expect(await readTask(client, keeping)).toMatchObject({ status: "started" });
});

test("a server that accepts and says nothing is given up at the start", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await using worker = startWorkerProcess(`postgres://nobody@127.0.0.1:${port}/nothing`);

  expect(await worker.exited).toBe(75);
  server.close();
});

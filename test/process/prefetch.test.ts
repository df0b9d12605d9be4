// Goal: a worker holds what it is about to start, and leaves the rest to others.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, waitForStatus } from "../support/tasks.ts";

test("a worker that is busy with long tasks does not take more", async ({ url, client }) => {
  const tasks: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    tasks.push(await enqueue(client, { task_type: "wait", payload: { ms: 2_500 } }));
  }
  await using _worker = startWorkerProcess(url, { args: ["--concurrency", "1"] });

  for (const taskId of tasks) {
    await waitForStatus(client, taskId, "finished");
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      "claim started",
      "finish finished",
    ]);
  }
});

test("types with a limit of their own take no more than there are slots", async ({
  url,
  client,
}) => {
  const long = { task_type: "wait", payload: { ms: 2_500 } };
  const tasks = [
    await enqueue(client, long),
    await enqueue(client, { task_type: "single" }),
    await enqueue(client, long),
  ];
  await using _worker = startWorkerProcess(url, { args: ["--concurrency", "1"] });

  for (const taskId of tasks) {
    await waitForStatus(client, taskId, "finished");
    expect(await readStory(client, taskId)).toEqual([
      "enqueue queued",
      "claim started",
      "finish finished",
    ]);
  }
});

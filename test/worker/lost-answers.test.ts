// Goal: what the server did and could not tell is neither lost nor done twice.
// Method: a proxy that cuts the connection in place of one answer.

import { expect } from "vitest";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { enqueue } from "../support/tasks.ts";
import { startWorkerProcess } from "../support/worker-process.ts";
import { readStory, test, waitForStatus } from "../support/worker-test.ts";

test("a claim whose answer is lost is given back and made again", async ({ url, client }) => {
  await using proxy = await startCuttingProxy(url, "cut in place of this");
  const taskId = await enqueue(client, { payload: { mark: "cut in place of this" } });
  await using worker = startWorkerProcess(proxy.url);

  await waitForStatus(client, taskId, "finished");

  expect(proxy.cuts()).toBe(1);
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "release queued",
    "claim started",
    "finish finished",
  ]);
  expect(worker.log().map(({ msg }) => msg)).toContain(
    "gave back what a claim took whose answer was lost",
  );
});

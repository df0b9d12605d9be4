// Goal: what the server did and could not tell is neither lost nor done twice.
// Method: a proxy that cuts the connection in place of one answer.

import { Client } from "pg";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, waitForStatus } from "../support/tasks.ts";

test("tasks from a claim whose response is lost are released and claimed again", async ({
  url,
  client,
}) => {
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
  await waitFor(() =>
    worker.log().some(({ msg }) => msg === "released tasks from a claim whose response was lost"),
  );
});

test("a settle that somebody cancels on the server is made again", async ({ url, client }) => {
  await using worker = startWorkerProcess(url);
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 300 } });
  await waitForStatus(client, taskId, "started");
  const locker = new Client({ connectionString: url });
  await locker.connect();
  await locker.query("begin");
  await locker.query("select from triaged.live_tasks where task_id = $1 for update", [taskId]);

  await waitFor(async () => {
    const { rows } = await client.query(
      `select pg_cancel_backend(pid) from pg_stat_activity
       where datname = current_database() and query like '%settle_tasks%'
         and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await locker.end();

  expect(await waitForStatus(client, taskId, "finished")).toMatchObject({ attempt_count: 1 });
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
});

// Goal: a worker that dies loses nothing, and what it says after its death counts for nothing.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, readTask, waitForStatus } from "../support/tasks.ts";

test("the tasks of a worker that was killed run again elsewhere", async ({ url, client }) => {
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 2_000 } });
  await using first = startWorkerProcess(url, { args: ["--name", "first"] });
  await waitForStatus(client, taskId, "started");
  await using _second = startWorkerProcess(url, { args: ["--name", "second"] });
  await expect
    .poll(async () => (await client.query("select from triaged.workers")).rowCount)
    .toBe(2);

  first.signal("SIGKILL");

  expect(await waitForStatus(client, taskId, "finished")).toMatchObject({
    attempt_count: 2,
    failure_count: 0,
    rescue_count: 1,
    result: { attempt: 2 },
  });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "rescue queued",
    "claim started",
    "finish finished",
  ]);
  const { rows } = await client.query(
    "select error from triaged.task_history where event = 'rescue'",
  );
  expect(rows).toEqual([{ error: "worker 1 (first) died" }]);
});

test("a worker that is frozen past its lease records nothing when it goes on", async ({
  url,
  client,
}) => {
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 1_000 } });
  await using frozen = startWorkerProcess(url);
  await waitForStatus(client, taskId, "started");
  frozen.signal("SIGSTOP");
  await client.query("update triaged.workers set heartbeat_at = now() - interval '1 hour'");
  await client.query("select triaged.rescue_tasks()");
  expect(await readTask(client, taskId)).toMatchObject({ status: "queued", rescue_count: 1 });
  // Another holder, which says nothing for now.
  await client.query(
    "select triaged.claim_tasks(triaged.register_worker('other', '{wait}', concurrency => 1))",
  );

  frozen.signal("SIGCONT");

  await expect
    .poll(() => frozen.log().map(({ msg }) => msg), { timeout: 20_000 })
    .toContain("declared dead; dropping what is held and starting over");
  await expect
    .poll(async () => {
      const { rows } = await client.query(
        "select end_reason from triaged.workers order by worker_id",
      );
      return rows.map((row) => row.end_reason);
    })
    .toEqual(["lease ran out", null, null]);
  expect(await readTask(client, taskId)).toMatchObject({ status: "started", attempt_count: 2 });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "rescue queued",
    "claim started",
  ]);
});

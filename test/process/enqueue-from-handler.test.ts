import { expect } from "vitest";
import { concurrentTest as test, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, queryOne, waitForStatus } from "../support/tasks.ts";

test("tasks that a handler enqueues belong to its task", async ({ url, client }) => {
  const root = await enqueue(client, { task_type: "nobody" });
  const parent = await enqueue(client, {
    task_type: "parent",
    payload: { queues: ["b", "a"] },
    parent_task_id: root,
  });
  await using _worker = startWorkerProcess(url, { args: ["--drain"] });

  const { result } = await waitForStatus(client, parent, "finished");

  const children = await client.query<{ task_id: string; queue: string; root: string }>(
    `select task_id, queue, root_task_id as root from triaged.live_tasks
     where parent_task_id = $1 order by task_id`,
    [parent],
  );
  expect(children.rows).toMatchObject([
    { queue: "b", root },
    { queue: "a", root },
  ]);
  expect(result).toEqual({
    enqueued: children.rows.map(({ task_id }) => ({ taskId: task_id, outcome: "created" })),
    seen: ["a", "b"],
  });
});

test("a handler enqueues all of its tasks or none", async ({ url, client }) => {
  const parent = await enqueue(client, {
    task_type: "parent",
    payload: { queues: ["a", ""] },
    max_attempts: 1,
  });
  const idle = await enqueue(client, { task_type: "parent", payload: { queues: [] } });
  await using _worker = startWorkerProcess(url, { args: ["--drain"] });

  expect(await waitForStatus(client, parent, "failed")).toMatchObject({
    error: expect.stringContaining("expected queue to have 1 to 200 characters, got 0"),
  });
  expect(await query(client, "select from triaged.tasks where task_type = 'child'")).toEqual([]);
  expect(await waitForStatus(client, idle, "finished")).toMatchObject({
    result: { enqueued: [], seen: [] },
  });
});

test("a handler asks and enqueues in the schema of its queue", async ({ url, client }) => {
  await migrate({ connectionString: url }, { schema: "other" });
  await client.query(`select other.enqueue_task('parent', '{"queues": ["a"]}')`);
  await using _worker = startWorkerProcess(url, { env: { TRIAGED_SCHEMA: "other" } });

  await waitFor(async () => {
    const { count } = await queryOne<{ count: string }>(
      client,
      "select count(*) from other.tasks where task_type = 'parent' and status = 'finished'",
    );
    return count === "1";
  });
  expect(
    await queryOne(
      client,
      "select result -> 'seen' as seen from other.tasks where task_type = 'parent'",
    ),
  ).toEqual({ seen: ["a"] });
});

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { claimTasks, enqueue, query, readTask, startWorker } from "../support/tasks.ts";

test("an insert into tasks enqueues, and returns the id", async ({ db }) => {
  const parent = await enqueue(db);

  const [row] = await query<{ task_id: string }>(
    db,
    `insert into triaged.tasks (
       task_type, payload, queue, priority, run_at, max_attempts, dedupe_key, parent_task_id, metadata
     )
     values ('noop', '{"a": 1}', 'night', 0, '2100-01-01T00:00:00Z', 5, 'k', $1, '{"b": 2}')
     returning task_id`,
    [parent],
  );

  expect(await readTask(db, String(row?.task_id))).toMatchObject({
    status: "queued",
    payload: { a: 1 },
    queue: "night",
    priority: 0,
    run_at: new Date("2100-01-01T00:00:00Z"),
    max_attempts: 5,
    dedupe_key: "k",
    root_task_id: parent,
    metadata: { b: 2 },
  });
});

test("an insert of a type alone has the defaults; a held key returns its holder", async ({
  db,
}) => {
  const insert = () =>
    query(
      db,
      "insert into triaged.tasks (task_type, dedupe_key) values ('noop', 'k') returning task_id",
    );

  const [first, second] = [await insert(), await insert()];

  expect(second).toEqual(first);
  expect(await query(db, "select payload, queue, priority from triaged.tasks")).toEqual([
    { payload: {}, queue: "default", priority: 2 },
  ]);
});

test("an insert into triage_tasks enqueues what the older producers insert", async ({ db }) => {
  await db.query(
    `insert into triaged.triage_tasks (
       task_type, source_repo, target_repo, change_event, relationship_config, priority
     )
     values ('consumer_triage', 'a/b', 'c/d', '{"commit_sha": "1"}', '{"x": 1}', 1)`,
  );
  await enqueue(db);

  expect(
    await query(
      db,
      `select skill_name, source_repo, target_repo, change_event, relationship_config, priority,
         status, worker_id
       from triaged.triage_tasks`,
    ),
  ).toEqual([
    {
      skill_name: "trigger_consumer_triage",
      source_repo: "a/b",
      target_repo: "c/d",
      change_event: { commit_sha: "1" },
      relationship_config: { x: 1 },
      priority: 1,
      status: "queued",
      worker_id: null,
    },
  ]);
});

test("triage_tasks names the worker as its text name", async ({ db }) => {
  await enqueue(db, { task_type: "consumer_triage" });
  const given = { name: "host-42", task_types: ["consumer_triage"] };
  await claimTasks(db, await startWorker(db, given));

  expect(await query(db, "select worker_id from triaged.triage_tasks")).toEqual([
    { worker_id: "host-42" },
  ]);
});

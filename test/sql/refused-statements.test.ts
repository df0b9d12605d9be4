import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { query, readTask, refusal } from "../support/tasks.ts";
import { seedTask } from "../support/transitions.ts";

const CLEANUP = expect.stringContaining("cleanup_old_tasks()");
const HISTORY = "History is append-only; drop_expired_partitions() ends its retention.";

test.for([
  { statement: "delete from triaged.tasks", hint: CLEANUP },
  { statement: "delete from triaged.live_tasks", hint: CLEANUP },
  { statement: "delete from triaged.final_tasks", hint: CLEANUP },
  { statement: "truncate triaged.live_tasks", hint: "cancel_task(task_id) ends a task." },
  { statement: "truncate triaged.final_tasks", hint: CLEANUP },
  {
    statement: "update triaged.final_tasks set status = 'queued', ended_at = null",
    hint: expect.stringContaining("retry_task(task_id)"),
  },
  { statement: "update triaged.task_history set error = 'none of it'", hint: HISTORY },
  { statement: "delete from triaged.task_history", hint: HISTORY },
  { statement: "truncate triaged.task_history", hint: HISTORY },
])("$statement is refused, also to a superuser", async ({ statement, hint }, { db }) => {
  const live = await seedTask(db, "queued");
  const final = await seedTask(db, "failed");

  const refused = await refusal(db, () => db.query(statement));

  expect(refused).toMatchObject({ code: "TR002", hint });
  expect(await query(db, "select from triaged.tasks")).toHaveLength(2);
  expect(await readTask(db, live.task_id)).toMatchObject({ status: "queued" });
  expect(await readTask(db, final.task_id)).toMatchObject({ status: "failed" });
  expect(await query(db, "select from triaged.task_history where error is null")).toHaveLength(2);
});

test("history outlives its task", async ({ db }) => {
  const { task_id } = await seedTask(db, "failed");
  await db.query("select set_config('triaged.fake_now', '2100-01-01', true)");
  await db.query("select triaged.create_partitions(0)");

  await db.query("set local triaged.event to 'retention'; delete from triaged.final_tasks");

  expect(
    await query(db, "select status from triaged.task_history where task_id = $1", [task_id]),
  ).toEqual([{ status: "failed" }]);
  expect(await query(db, "select reason from triaged.why($1)", [task_id])).toMatchObject([
    { reason: expect.stringMatching(/^it was failed at .*, and its retention has passed$/) },
  ]);
});

test.for([
  { column: "task_id", value: "task_id + 1" },
  { column: "attempt_count", value: "7" },
  { column: "created_at", value: "now() - interval '1 day'" },
  { column: "rescue_count", value: "1" },
  { column: "dedupe_key", value: "'k'" },
  { column: "given_id", value: "'id'" },
  { column: "parent_task_id", value: "1" },
  { column: "root_task_id", value: "1" },
])("$column of a task does not change by hand", async ({ column, value }, { db }) => {
  await seedTask(db, "queued");

  const refused = await refusal(db, () =>
    db.query(`update triaged.tasks set ${column} = ${value}`),
  );

  expect(refused).toMatchObject({
    code: "TR002",
    message: "ids, keys, attempt_count, rescue_count and created_at of a task do not change",
  });
});

test("columns that a hand-made update changes beside the status are kept", async ({ db }) => {
  const { task_id } = await seedTask(db, "queued");
  const change = {
    task_type: "other",
    queue: "night",
    payload: { a: 1 },
    priority: 0,
    run_at: new Date("2100-01-01T00:00:00Z"),
    failure_count: 1,
    max_attempts: 9,
    error: "by hand",
    metadata: { why: "x" },
  };
  const columns = Object.keys(change).map((column, index) => `${column} = $${index + 1}`);

  await db.query(`update triaged.tasks set ${columns.join(", ")}`, Object.values(change));

  expect(await readTask(db, task_id)).toMatchObject(change);
});

test("a task cannot be started by hand through the view", async ({ db }) => {
  const { task_id } = await seedTask(db, "queued");

  const refused = await refusal(db, () =>
    db.query("update triaged.tasks set status = 'started', worker_id = 1"),
  );

  expect(refused).toMatchObject({ code: "TR002" });
  expect(await readTask(db, task_id)).toMatchObject({ status: "queued" });
});

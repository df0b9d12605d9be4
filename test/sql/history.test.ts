import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claim,
  currentRole,
  enqueue,
  outcomeOf,
  query,
  readEvents,
  readHistory,
  readTask,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";

test("a reset by hand is recorded as manual, and the old holder is fenced", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const lost = await startTask(db);
  const { worker_id } = await readTask(db, lost.task_id);
  await setClock(db, "2026-01-01T00:20:00Z");

  await db.query(
    `update triaged.tasks set status = 'queued', started_at = null, worker_id = null
     where status = 'started'`,
  );
  const held = await claim(db);

  expect((await readHistory(db, lost.task_id))[2]).toMatchObject({
    event: "manual",
    status: "queued",
    actor: await currentRole(db),
    worker_id,
    duration_ms: "1200000",
  });
  expect(await settle(db, [outcomeOf(lost, "finish")])).toEqual([]);
  expect(held).toMatchObject({ task_id: lost.task_id, attempt_count: 2 });
});

test("one statement that moves many tasks is recorded for each", async ({ db }) => {
  await db.query("select triaged.enqueue_task('noop') from generate_series(1, 50)");

  await db.query("update triaged.tasks set status = 'cancelled' where status = 'queued'");

  expect(
    await query(
      db,
      `select event, status, count(distinct task_id)::integer from triaged.task_history
       group by event, status order by event`,
    ),
  ).toEqual([
    { event: "enqueue", status: "queued", count: 50 },
    { event: "manual", status: "cancelled", count: 50 },
  ]);
});

test("history goes with the transaction that made it", async ({ db }) => {
  const task = await startTask(db);
  await db.query("savepoint caller");
  await settle(db, [outcomeOf(task, "finish")]);

  await db.query("rollback to savepoint caller");

  expect(await readEvents(db, task.task_id)).toEqual(["enqueue", "claim"]);
  expect(await readTask(db, task.task_id)).toMatchObject({ status: "started" });
});

test("a caller may say who it is; a worker is a worker all the same", async ({ db }) => {
  await db.query("select set_config('triaged.actor', 'alice', true)");
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "?" })]);
  await db.query("select triaged.decide_task($1, '1')", [task.task_id]);

  await db.query("select triaged.cancel_task($1)", [task.task_id]);

  const actors = (await readHistory(db, task.task_id)).map(({ event, actor }) => [event, actor]);
  expect(actors).toEqual([
    ["enqueue", "alice"],
    ["claim", "worker"],
    ["ask", "worker"],
    ["decide", "alice"],
    ["cancel", "alice"],
  ]);
});

test("an event's name does not outlive its function", async ({ db }) => {
  const taskId = await enqueue(db);

  await db.query("update triaged.live_tasks set status = 'cancelled', ended_at = now()");

  expect(await readEvents(db, taskId)).toEqual(["enqueue", "manual"]);
});

test("a change of no status writes no history", async ({ db }) => {
  const taskId = await enqueue(db);

  await db.query('update triaged.tasks set priority = 0, metadata = \'{"by": "hand"}\'');

  expect(await readTask(db, taskId)).toMatchObject({ priority: 0, metadata: { by: "hand" } });
  expect(await readEvents(db, taskId)).toEqual(["enqueue"]);
});

test("a retried task goes on growing its attempts, with its whole budget", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const task = await startTask(db, { max_attempts: 1 });
  await settle(db, [outcomeOf(task, "retry", { error: "busy" })]);
  await setClock(db, "2026-01-02T00:00:00Z");

  await db.query("select triaged.retry_task($1)", [task.task_id]);

  expect(await readTask(db, task.task_id)).toMatchObject({
    status: "queued",
    run_at: new Date("2026-01-02T00:00:00Z"),
    created_at: new Date("2026-01-01T00:00:00Z"),
    ended_at: null,
    started_at: null,
    worker_id: null,
    failure_count: 0,
    rescue_count: 0,
    attempt_count: 1,
    error: "busy",
  });
  expect(await claim(db)).toMatchObject({ attempt_count: 2 });
  expect(await readEvents(db, task.task_id)).toEqual([
    "enqueue",
    "claim",
    "fail",
    "retry",
    "claim",
  ]);
});

test("a task that was cancelled while it ran can be retried and finished", async ({ db }) => {
  const task = await startTask(db);
  await db.query("select triaged.cancel_task($1)", [task.task_id]);
  await settle(db, [outcomeOf(task, "cancelled")]);
  await db.query("select triaged.retry_task($1)", [task.task_id]);

  const settled = await settle(db, [outcomeOf(await claim(db), "release")]);

  expect(settled).toMatchObject([{ status: "queued" }]);
});

test("a task is in one table at a time", async ({ db }) => {
  const task = await startTask(db);
  const count = () =>
    query(
      db,
      `select
         (select count(*)::integer from triaged.live_tasks) as live,
         (select count(*)::integer from triaged.final_tasks) as final`,
    );

  const counts = [await count()];
  await settle(db, [outcomeOf(task, "fail", { error: "x" })]);
  counts.push(await count());
  await db.query("select triaged.retry_task($1)", [task.task_id]);
  counts.push(await count());

  expect(counts.flat()).toEqual([
    { live: 1, final: 0 },
    { live: 0, final: 1 },
    { live: 1, final: 0 },
  ]);
});

test("durations are whole milliseconds, cut as exact numbers would be", async ({ db }) => {
  const { rows } = await db.query(
    `select format('%s us', us), triaged.milliseconds(us * interval '1 us')
     from (
       select unnest(array[0, 1, 999, 1000, 1001, 57000, 290000, 1001000, 4350000, -1, -5000000])
       union all
       -- Milliseconds that no double has, and the microseconds beside them.
       select ms * 1000 + beside from generate_series(1::bigint, 86400000, 86413) as ms
       cross join generate_series(-1, 1) as beside
       union all
       select 136 * 365 * 86400000000::bigint - beside from generate_series(0, 3000) as beside
     ) as tried (us)
     where triaged.milliseconds(us * interval '1 us') is distinct from greatest(0, us / 1000)`,
  );

  expect(rows).toEqual([]);
  expect(await query(db, "select triaged.milliseconds(null) as unknown")).toEqual([
    { unknown: null },
  ]);
});

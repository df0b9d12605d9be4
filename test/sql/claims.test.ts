// Goal: what a worker holds is found by the rows of claims, whoever started it and whatever came
// after; and those rows, and what is held for long, get out of the way.
// Method: start tasks in every way, let things happen, and look at the rows and at rescues.

import type { ClientBase } from "pg";
import { describe, expect } from "vitest";
import { readMigrations } from "../../src/database/schema/sql-files.ts";
import { emptyDatabaseTest, found, test } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readTask,
  setClock,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

const LATER = "2026-01-01T00:00:30Z";

async function enqueueMany(db: ClientBase, count: number): Promise<void> {
  await db.query("select triaged.enqueue_task('noop') from generate_series(1, $1)", [count]);
}

/** The rows of claims of a worker: the tasks of each, by their ids. */
async function claimsOf(db: ClientBase, workerId: string): Promise<string[][]> {
  const rows = await query<{ task_ids: string[] }>(
    db,
    `select array(select unnest(task_ids) order by 1) as task_ids
     from triaged.claims where worker_id = $1 order by claim_id`,
    [workerId],
  );
  return rows.map(({ task_ids }) => task_ids);
}

const beat = (db: ClientBase, workerId: string) =>
  call(db, "heartbeat_worker", { worker_id: workerId });

const startByHand = (db: ClientBase, taskId: string, workerId: string) =>
  db.query(
    `update triaged.live_tasks
     set status = 'started', attempt_count = attempt_count + 1, worker_id = $2, started_at = now()
     where task_id = $1`,
    [taskId, workerId],
  );

/** The statuses of what is rescued once the lease of the worker is over. */
async function rescueOf(db: ClientBase, workerId: string): Promise<unknown[]> {
  await db.query(
    "update triaged.workers set heartbeat_at = '-infinity', has_session_lock = false where worker_id = $1",
    [workerId],
  );
  return (await call(db, "rescue_tasks")).map(({ task_id }) => task_id);
}

const inLane = async (db: ClientBase, taskId: string) =>
  (await queryOne(db, "select in_lane from triaged.live_tasks where task_id = $1", [taskId]))[
    "in_lane"
  ];

test("a claim writes into no index, and keeps to the page of its task", async ({ db }) => {
  await enqueueMany(db, 500);

  expect(await claimTasks(db, await startWorker(db), { max_tasks: 500 })).toHaveLength(500);

  const updates = await queryOne(
    db,
    `select n_tup_upd::integer as all, n_tup_hot_upd::integer as "inPage"
     from pg_stat_xact_user_tables where relid = 'triaged.live_tasks'::regclass`,
  );
  expect(updates).toEqual({ all: 500, inPage: 500 });
});

test("a claim writes one row of all that it took, and none where it took nothing", async ({
  db,
}) => {
  const workerId = await startWorker(db);
  const tasks = [await enqueue(db), await enqueue(db)];

  await claimTasks(db, workerId);
  await claimTasks(db, workerId);

  expect(await claimsOf(db, workerId)).toEqual([tasks]);
});

describe("a rescue finds what the worker holds", () => {
  test("that was started by hand", async ({ db }) => {
    const workerId = await startWorker(db);
    const taskId = await enqueue(db);
    await startByHand(db, taskId, workerId);
    await beat(db, workerId);

    expect(await rescueOf(db, workerId)).toEqual([taskId]);
    expect(await claimsOf(db, workerId)).toEqual([]);
  });

  test("that was inserted by hand as started", async ({ db }) => {
    const workerId = await startWorker(db);
    const { task_id } = await queryOne<{ task_id: string }>(
      db,
      `insert into triaged.live_tasks (
         task_type, payload, status, run_at, attempt_count, worker_id, created_at, started_at
       )
       values ('noop', '{}', 'started', now(), 1, $1, now(), now())
       returning task_id`,
      [workerId],
    );

    expect(await rescueOf(db, workerId)).toEqual([task_id]);
  });

  test("that was handed over from another worker by hand", async ({ db }) => {
    const { task_id } = await startTask(db);
    const workerId = await startWorker(db);
    await db.query("update triaged.tasks set worker_id = $2 where task_id = $1", [
      task_id,
      workerId,
    ]);

    expect(await rescueOf(db, workerId)).toEqual([task_id]);
  });

  test("that it gave back and claimed again, once", async ({ db }) => {
    const workerId = await startWorker(db);
    const taskId = await enqueue(db);
    const [first] = await claimTasks(db, workerId);
    await settle(db, [outcomeOf(found(first), "release")]);
    await claimTasks(db, workerId);

    expect(await claimsOf(db, workerId)).toEqual([[taskId], [taskId]]);
    expect(await query(db, "select held, task_ids from triaged.worker_activity")).toEqual([
      { held: "1", task_ids: [taskId] },
    ]);
    expect(await call(db, "list_tasks", { status: "started" })).toHaveLength(1);
    expect(await call(db, "list_tasks")).toHaveLength(1);
    expect(await rescueOf(db, workerId)).toEqual([taskId]);
  });

  test("for long, after a heartbeat took it out of the lane", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    const taskId = await enqueue(db);
    await claimTasks(db, workerId);
    await setClock(db, LATER);
    await beat(db, workerId);
    expect(await inLane(db, taskId)).toBe(false);

    expect(await rescueOf(db, workerId)).toEqual([taskId]);
    expect(await inLane(db, taskId)).toBe(true);
  });

  test("and nothing that another worker holds by now", async ({ db }) => {
    const workerId = await startWorker(db);
    const taskId = await enqueue(db);
    const [first] = await claimTasks(db, workerId);
    await settle(db, [outcomeOf(found(first), "release")]);
    const other = await startWorker(db);
    await claimTasks(db, other);

    expect(await rescueOf(db, workerId)).toEqual([]);
    expect(await readTask(db, taskId)).toMatchObject({ status: "started", worker_id: other });
  });
});

test("the end of a worker deletes its rows", async ({ db }) => {
  const workerId = await startWorker(db);
  const taskId = await enqueue(db);
  await claimTasks(db, workerId);

  await call(db, "end_worker", { worker_id: workerId });

  expect(await readTask(db, taskId)).toMatchObject({ status: "queued" });
  expect(await claimsOf(db, workerId)).toEqual([]);
});

describe("a heartbeat", () => {
  test("deletes the rows of which nothing is held, and no other", async ({ db }) => {
    const workerId = await startWorker(db);
    await enqueueMany(db, 4);
    const first = await claimTasks(db, workerId, { max_tasks: 2 });
    const second = await claimTasks(db, workerId, { max_tasks: 2 });
    await settle(db, [
      ...first.map((task) => outcomeOf(task, "finish")),
      outcomeOf(found(second[0]), "retry", { error: "no" }),
    ]);

    await beat(db, workerId);

    expect(await claimsOf(db, workerId)).toEqual([second.map(({ task_id }) => task_id)]);
    await settle(db, [outcomeOf(found(second[1]), "finish")]);
    await beat(db, workerId);
    expect(await claimsOf(db, workerId)).toEqual([]);
  });

  test("leaves the rows of others", async ({ db }) => {
    const { task_id } = await startTask(db);

    await beat(db, await startWorker(db));

    expect(await query(db, "select task_ids from triaged.claims")).toEqual([
      { task_ids: [task_id] },
    ]);
  });

  test("takes what is held for long out of the lane, until it is put back", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    const taskId = await enqueue(db);
    const [task] = await claimTasks(db, workerId);
    await setClock(db, "2026-01-01T00:00:01Z");
    await beat(db, workerId);
    expect(await inLane(db, taskId)).toBe(true);
    await setClock(db, LATER);
    await beat(db, workerId);
    expect(await inLane(db, taskId)).toBe(false);

    await settle(db, [outcomeOf(found(task), "snooze", { delay_ms: 0 })]);

    expect(await inLane(db, taskId)).toBe(true);
    await beat(db, workerId);
    expect(await claimsOf(db, workerId)).toEqual([]);
    expect(await claimTasks(db, workerId)).toHaveLength(1);
    expect(await inLane(db, taskId)).toBe(true);
    expect(
      await query(
        db,
        "select event from triaged.task_history where event in ('heartbeat', 'manual')",
      ),
    ).toEqual([]);
  });

  test("finds requests to cancel what is held for long", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    const task_id = await enqueue(db);
    await claimTasks(db, workerId);
    await setClock(db, LATER);
    await beat(db, workerId);
    await call(db, "cancel_task", { task_id });

    expect(await beat(db, workerId)).toMatchObject([
      { held: true, cancel_requests: [{ task_id, attempt: 1 }] },
    ]);
  });
});

describe("a heartbeat that tidies", () => {
  test("keeps of a row that runs long what is held", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    await enqueueMany(db, 3);
    const [first, ...others] = await claimTasks(db, workerId);
    await settle(db, [outcomeOf(found(first), "finish")]);
    await setClock(db, LATER);

    await beat(db, workerId);

    expect(await claimsOf(db, workerId)).toEqual([others.map(({ task_id }) => task_id)]);
    await settle(
      db,
      others.map((task) => outcomeOf(task, "finish")),
    );
    await beat(db, workerId);
    expect(await claimsOf(db, workerId)).toEqual([]);
  });

  test("finds a row before those that it has tidied with the next minute", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    const first = await startFor(db, workerId);
    await settle(db, [outcomeOf(first, "finish")]);
    // As if it had committed after a later one was tidied.
    await db.query("update triaged.workers set tidied_claim_id = 1000000");
    await beat(db, workerId);
    expect(await claimsOf(db, workerId)).toHaveLength(1);
    await setClock(db, "2026-01-01T00:01:00Z");

    await beat(db, workerId);

    expect(await claimsOf(db, workerId)).toEqual([]);
  });

  test("does not look again at rows that it has tidied", async ({ db }) => {
    await setClock(db, "2026-01-01T00:00:00Z");
    const workerId = await startWorker(db);
    await settle(db, [outcomeOf(await startFor(db, workerId), "finish")]);
    const { claim_id } = await queryOne(db, "select claim_id from triaged.claims");

    await beat(db, workerId);

    expect(await query(db, "select tidied_claim_id from triaged.workers")).toEqual([
      { tidied_claim_id: claim_id },
    ]);
  });

  test("does not wait for a task that somebody has locked", async ({ connect }) => {
    const [db, other] = [await connect(), await connect()];
    const workerId = await startWorker(db);
    await enqueueMany(db, 2);
    const [locked, free] = await claimTasks(db, workerId);
    await db.query("update triaged.claims set claimed_at = claimed_at - interval '1 minute'");
    await other.query("begin");
    await other.query("select from triaged.live_tasks where task_id = $1 for update", [
      found(locked).task_id,
    ]);

    await db.query("set statement_timeout to '10s'");
    await beat(db, workerId);

    expect(await inLane(db, found(free).task_id)).toBe(false);
    expect(await inLane(db, found(locked).task_id)).toBe(true);
    await other.query("rollback");
    await beat(db, workerId);
    expect(await inLane(db, found(locked).task_id)).toBe(false);
  });
});

test("a task that waits for a person is out of the lane until it is decided", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "ask", { prompt: "really?" })]);
  expect(await inLane(db, task.task_id)).toBe(false);

  await call(db, "decide_task", { task_id: task.task_id, decision: "1" });

  expect(await inLane(db, task.task_id)).toBe(true);
});

test("a compat worker tidies its rows when it asks for the next task", async ({ db }) => {
  const next = () => call(db, "get_next_task", { worker_id_param: "old" });
  const taskId = await enqueue(db, { task_type: "consumer_triage" });
  await next();
  await call(db, "update_task_status", { task_id_param: taskId, status_param: "finished" });

  expect(await next()).toEqual([]);

  expect(await query(db, "select from triaged.claims")).toEqual([]);
});

test("rows of a worker that is gone expire once nothing of them is held", async ({ db }) => {
  const taskId = await enqueue(db);
  await startByHand(db, taskId, "4711");
  const held = await startTask(db);
  await call(db, "expire_rows");
  expect(await query(db, "select from triaged.claims")).toHaveLength(2);
  await settle(db, [{ task_id: taskId, attempt: 1, outcome: "finish" }, outcomeOf(held, "finish")]);

  await call(db, "expire_rows");

  // Those of a worker that lives are tidied by its heartbeat.
  expect(await query(db, "select task_ids from triaged.claims")).toEqual([
    { task_ids: [held.task_id] },
  ]);
});

test("the view tasks has no column that only serves claims", async ({ db }) => {
  const { task_id } = await startTask(db);
  const task = await readTask(db, task_id);

  expect(Object.keys(task)).not.toContain("in_lane");
  expect(Object.keys(task)).not.toContain("runs_long");
});

async function startFor(db: ClientBase, workerId: string) {
  await enqueue(db);
  const [task] = await claimTasks(db, workerId, { max_tasks: 1 });
  return found(task);
}

describe("a database from before claims were noted", () => {
  const migrations = readMigrations("triaged");
  const at = migrations.findIndex(({ name }) => name.endsWith("create-claims"));

  /** The tables of before, with two tasks that worker 1 holds and one that waits. */
  async function makeOlder(db: ClientBase): Promise<void> {
    await db.query(`create schema triaged; create table triaged.schema_migrations (
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now(),

      constraint schema_migrations_pkey primary key (name)
    )`);
    for (const { name, text, checksum } of migrations.slice(0, at)) {
      await db.query(text);
      await db.query("insert into triaged.schema_migrations (name, checksum) values ($1, $2)", [
        name,
        checksum,
      ]);
    }
    await db.query(`
      insert into triaged.workers (
        name, queues, task_types, concurrency, lease, started_at, heartbeat_at
      )
      values ('old', '{default}', '{noop}', 3, '1 minute', now(), now());
      insert into triaged.live_tasks (
        task_type, payload, status, run_at, attempt_count, worker_id, created_at, started_at
      )
      select 'noop', '{}', case when n < 3 then 'started' else 'queued' end, now(),
        case when n < 3 then 1 else 0 end, case when n < 3 then 1 end, now(),
        case when n < 3 then now() end
      from generate_series(1, 3) as n`);
  }

  emptyDatabaseTest("keeps what its workers hold", async ({ db, url }) => {
    await makeOlder(db);

    await migrate({ connectionString: url }, {});

    expect(await claimsOf(db, "1")).toEqual([["1", "2"]]);
    expect(await call(db, "claim_tasks", { worker_id: "1" })).toMatchObject([{ task_id: "3" }]);
    expect(await rescueOf(db, "1")).toEqual(["1", "2", "3"]);
  });

  emptyDatabaseTest("notes a claim by the functions of before", async ({ db }) => {
    await makeOlder(db);
    // As they were there: without the clock, the trigger could not say when.
    await db.query(
      "create function triaged.now() returns timestamptz language sql as 'select pg_catalog.now()'",
    );
    await db.query(migrations[at]?.text ?? "");

    await db.query(
      `update triaged.live_tasks
       set status = 'started', attempt_count = 1, worker_id = 2, started_at = now()
       where task_id = 3`,
    );

    expect(await claimsOf(db, "2")).toEqual([["3"]]);
  });
});

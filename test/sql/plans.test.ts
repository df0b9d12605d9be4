// Goal: what a statement costs does not grow with the tasks that it does not touch, nor
// with the square of those that it does.
// Method: take statistics of a table that was empty, let the session plan every function
// and trigger for a batch of one, add tasks, and run a batch. auto_explain tells of every
// plan, nested ones too, how many rows its nodes read. Each test has a database of its own,
// because pages that others left behind would make an empty table look large.

import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { countByStatus } from "../../src/database/reader.ts";
import { test as base } from "../support/connections.ts";
import { type PlanNode, watchPlans } from "../support/plans.ts";
import {
  call,
  claimLane,
  claimTasks,
  outcomeOf,
  query,
  setClock,
  settle,
  startWorker,
} from "../support/tasks.ts";

/** Tasks that a batch touches, against `TASKS` that lie beside it. */
const BATCH = 40;
const TASKS = 1_500;
/** A row is read to be locked, to be judged, to be moved: some times, not often. */
const READS_MAX = 4 * BATCH;

const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();

/** Many alike, in one statement: one by one they took most of the time of this file. */
async function enqueueMany(db: Client, count: number, task: object): Promise<void> {
  await db.query(
    `select from triaged.enqueue_tasks(
       (select jsonb_agg($1::jsonb) from generate_series(1, $2::integer)))`,
    [JSON.stringify(task), count],
  );
}

const SETTLING = ["finish", "fail", "retry", "snooze", "release", "ask"];

const test = base.extend<{ db: Client }>({
  db: async ({ connect }, use) => {
    const db = await connect();
    await db.query("begin");
    await use(db);
  },
});

async function claimBatch(db: Client, count: number): Promise<string> {
  const workerId = await startWorker(db);
  expect(await claimTasks(db, workerId, { max_tasks: count })).toHaveLength(count);
  return workerId;
}

async function claimBatchOfLane(db: Client, count: number): Promise<void> {
  const given = { max_tasks: count, priority: 0 };
  expect(await claimLane(db, await startWorker(db), given)).toHaveLength(count);
}

async function settleBatch(db: Client, outcome: string, count: number): Promise<void> {
  const claimed = await claimTasks(db, await startWorker(db), { max_tasks: count });
  const outcomes = claimed.map((task) => outcomeOf(task, outcome, { error: "x", delay_ms: 9 }));
  expect(await settle(db, outcomes)).toHaveLength(count);
}

/** Statistics as of a moment at which the table had been emptied, and then a full table. */
async function fillBehindStatistics(db: Client, planFirst: () => Promise<unknown>): Promise<void> {
  await db.query(
    `update pg_class set relpages = 1000, reltuples = 0 where oid = 'triaged.live_tasks'::regclass`,
  );
  await db.query("select triaged.enqueue_task('noop') from generate_series(1, 2)");
  await planFirst();
  await enqueueMany(db, TASKS, { task_type: "noop" });
  // Held by another worker and of another type: what no statement below is about.
  await enqueueMany(db, TASKS, { task_type: "other" });
  const other = await startWorker(db, { task_types: ["other"] });
  await claimTasks(db, other, { max_tasks: TASKS / 2 });
  // Claimed first, though their ids are the highest: a scan in the order of ids that ends at
  // the last of the batch reads all others too.
  await enqueueMany(db, BATCH, { task_type: "noop", priority: 0 });
}

function expectBounded(nodes: readonly PlanNode[]): void {
  const reads = nodes.filter(({ relation }) => relation !== undefined);
  expect(reads.some(({ relation }) => relation === "live_tasks")).toBe(true);
  expect(nodes.filter(({ rowsRead }) => rowsRead > READS_MAX)).toEqual([]);
  expect(
    reads.filter(({ relation, type }) => relation === "live_tasks" && type === "Seq Scan"),
  ).toEqual([]);
}

test("a claim reads what it takes", async ({ db }) => {
  await fillBehindStatistics(db, () => claimBatch(db, 1));

  expectBounded(await watchPlans(db, () => claimBatch(db, BATCH)));
});

test("a claim of a lane reads what it takes", async ({ db }) => {
  await fillBehindStatistics(db, async () => {
    await db.query("select triaged.enqueue_task('noop', priority => 0)");
    await claimBatchOfLane(db, 1);
  });

  expectBounded(await watchPlans(db, () => claimBatchOfLane(db, BATCH)));
});

test("a claim of a lane does not read what of it is not due", async ({ db }) => {
  await fillBehindStatistics(db, async () => {
    await db.query("select triaged.enqueue_task('noop', priority => 0)");
    await claimBatchOfLane(db, 1);
  });
  await enqueueMany(db, TASKS, { task_type: "noop", priority: 0, run_at: TOMORROW });

  expectBounded(await watchPlans(db, () => claimBatchOfLane(db, BATCH)));
});

test("a claim does not read the tasks of its type that are not due", async ({ db }) => {
  await fillBehindStatistics(db, () => claimBatch(db, 1));
  await enqueueMany(db, TASKS, { task_type: "noop", priority: 0, run_at: TOMORROW });

  expectBounded(await watchPlans(db, () => claimBatch(db, BATCH)));
});

test.for(SETTLING)("to settle a batch as %s reads the batch", async (outcome, { db }) => {
  await fillBehindStatistics(db, () => settleBatch(db, outcome, 1));

  expectBounded(await watchPlans(db, () => settleBatch(db, outcome, BATCH)));
});

test("to settle a batch as cancelled reads the batch", async ({ db }) => {
  const settleCancelled = async (count: number) => {
    const claimed = await claimTasks(db, await startWorker(db), { max_tasks: count });
    for (const { task_id } of claimed) {
      await db.query("select triaged.cancel_task($1)", [task_id]);
    }
    const outcomes = claimed.map((task) => outcomeOf(task, "cancelled"));
    expect(await settle(db, outcomes)).toHaveLength(count);
  };
  await fillBehindStatistics(db, () => settleCancelled(1));

  expectBounded(await watchPlans(db, () => settleCancelled(BATCH)));
});

test("a rescue reads what the dead worker held", async ({ db }) => {
  const rescue = async (count: number) => {
    const workerId = await claimBatch(db, count);
    await db.query("update triaged.workers set heartbeat_at = '-infinity' where worker_id = $1", [
      workerId,
    ]);
    expect(await query(db, "select from triaged.rescue_tasks()")).toHaveLength(count);
  };
  await fillBehindStatistics(db, () => rescue(1));

  expectBounded(await watchPlans(db, () => rescue(BATCH)));
});

test("the end of a worker reads what it held", async ({ db }) => {
  const end = async (count: number) => {
    await db.query("select triaged.end_worker($1)", [await claimBatch(db, count)]);
  };
  await fillBehindStatistics(db, () => end(1));

  expectBounded(await watchPlans(db, () => end(BATCH)));
});

test("to release what a worker does not know reads what it holds", async ({ db }) => {
  const release = async (count: number) => {
    const workerId = await claimBatch(db, count);
    await db.query("select triaged.release_unknown_tasks($1, '{}', '{}')", [workerId]);
  };
  await fillBehindStatistics(db, () => release(1));

  expectBounded(await watchPlans(db, () => release(BATCH)));
});

test("a heartbeat reads the requests to cancel, not all that is held", async ({ db }) => {
  const beat = (workerId: string) => query(db, "select triaged.heartbeat_worker($1)", [workerId]);
  const workerId = await startWorker(db);
  await fillBehindStatistics(db, () => beat(workerId));
  const [held] = await claimTasks(db, workerId, { max_tasks: 10 * BATCH });
  await db.query("select triaged.cancel_task($1)", [held?.task_id]);

  expectBounded(await watchPlans(db, () => beat(workerId)));
});

test("a heartbeat reads what its worker holds, or held a moment ago", async ({ db }) => {
  const beat = async (count: number) => {
    const workerId = await startWorker(db);
    const claimed = await claimTasks(db, workerId, { max_tasks: count });
    await settle(
      db,
      claimed.slice(count / 2).map((task) => outcomeOf(task, "finish")),
    );
    await db.query("update triaged.claims set claimed_at = claimed_at - interval '1 minute'");
    await query(db, "select triaged.heartbeat_worker($1)", [workerId]);
  };
  await fillBehindStatistics(db, () => beat(2));

  expectBounded(await watchPlans(db, () => beat(BATCH / 2)));
});

test("the activity of workers reads what they hold", async ({ db }) => {
  const look = () => query(db, "select * from triaged.worker_activity where name = 'busy'");
  const hold = async (count: number) => {
    const workerId = await startWorker(db, { name: "busy" });
    await claimTasks(db, workerId, { max_tasks: count });
  };
  await fillBehindStatistics(db, async () => {
    await hold(2);
    await look();
  });
  await hold(BATCH);

  const nodes = await watchPlans(db, look);

  expectBounded(nodes.filter(({ query: text }) => text.includes("held_by.worker_id")));
});

test("tasks that a hand-made update ends are moved by their ids", async ({ db }) => {
  const endByHand = (count: number) =>
    db.query(
      `update triaged.live_tasks set status = 'cancelled', ended_at = now()
       where task_id = any (array(
         select task_id from triaged.live_tasks where status = 'queued' limit $1
       ))`,
      [count],
    );
  await fillBehindStatistics(db, () => endByHand(1));

  const nodes = await watchPlans(db, () => endByHand(BATCH));

  // How the update itself finds its rows is its author's business.
  expectBounded(nodes.filter((node) => node.query.startsWith("delete from triaged.live_tasks")));
});

test("the newest ten come from the indexes, not from a sort of all", async ({ db }) => {
  await fillBehindStatistics(db, () => settleBatch(db, "finish", 2));
  await settleBatch(db, "finish", TASKS / 2);
  await db.query("analyze triaged.live_tasks, triaged.final_tasks");

  const nodes = await watchPlans(db, () =>
    db.query(
      "SELECT task_id, task_type, status, created_at FROM triaged.tasks ORDER BY created_at DESC LIMIT 10",
    ),
  );

  expect(nodes.map(({ type }) => type)).toContain("Merge Append");
  expect(nodes.filter(({ type }) => type === "Sort")).toEqual([]);
  expect(nodes.filter(({ rowsRead }) => rowsRead > 20)).toEqual([]);
});

/** Questions about all tasks, which read a page, the exceptions, or rollups. */
const QUESTIONS = [
  "select * from triaged.task_statistics",
  "select * from triaged.failures_by_cause",
  "select * from triaged.events_per_minute",
  "select * from triaged.attention",
  "select * from triaged.dead_letters",
  "select * from triaged.worker_activity",
  "select * from triaged.list_tasks(max_rows => 10)",
  "select * from triaged.list_tasks(status => 'failed', max_rows => 10)",
  "select * from triaged.list_tasks(status => 'cancelled')",
  "select * from triaged.list_tasks(status => 'finished', max_rows => 10)",
  "select * from triaged.list_tasks(status => 'started')",
  "select * from triaged.list_tasks(status => 'needs_decision')",
  "select * from triaged.list_tasks(task_type => 'noop', max_rows => 10)",
  "select * from triaged.list_tasks(task_type => 'rare')",
  "select * from triaged.list_tasks(task_type => 'no such')",
  "select * from triaged.list_tasks(queue => 'rare')",
  "select * from triaged.list_tasks(queue => 'default', max_rows => 10)",
  // The one ended nearly all, the other one a few of them, and is gone.
  "select * from triaged.list_tasks(worker_id => (select min(worker_id) from triaged.workers))",
  `select * from triaged.list_tasks(
     worker_id => (select max(worker_id) from triaged.workers), max_rows => 4
   )`,
  "select * from triaged.list_tasks(context_id => 'x')",
  "select * from triaged.list_tasks(repository => 'a/b', task_type => 'consumer_triage')",
  "select * from triaged.list_tasks(repository => 'no/such')",
  "select * from triaged.list_tasks(repository => 'no/such', status => 'finished')",
  "select * from triaged.list_tasks(max_rows => 500)",
  "select * from triaged.series_since(now() - interval '7 days', '2 hours')",
  "select * from triaged.preview_operation('retry', '{\"status\": \"failed\"}')",
  "select * from triaged.list_tasks(parent_task_id => 1)",
  "select * from triaged.get_task_hierarchy(1)",
  "select why.* from triaged.why(1)",
  "select why.* from triaged.why((select min(task_id) from triaged.live_tasks))",
];

test("no question reads the final tasks, those that wait, or history whole", async ({ client }) => {
  // Of half as many, PostgreSQL 15 takes all to be as cheap as the newest 500 by an index.
  const all = 12_000;
  await client.query("begin");
  const worker = await startWorker(client, {
    task_types: ["noop", "rare"],
    queues: ["default", "rare"],
  });
  // As the jobs make days ahead; the newest tasks are to be found without a plan of all days.
  await client.query(
    `select triaged.create_partition('final_tasks', current_date - day)
     from generate_series(1, 5) as day`,
  );
  const enqueueAll = async () => {
    for (let minute = 30; minute > 0; minute -= 1) {
      await setClock(client, new Date(Date.now() - minute * 60_000).toISOString());
      await enqueueMany(client, all / 30, { task_type: "noop" });
    }
    await setClock(client, "");
  };
  await enqueueAll();
  await enqueueMany(client, 5, { task_type: "rare", queue: "rare" });
  const end = async (workerId: string, count: number) => {
    const tasks = await claimTasks(client, workerId, { max_tasks: count });
    await settle(
      client,
      tasks.map((task, place) =>
        outcomeOf(task, place % 300 === 7 ? "fail" : "finish", { error: "no" }),
      ),
    );
    return tasks.length;
  };
  const gone = await startWorker(client, { task_types: ["noop"] });
  expect(await end(gone, 3)).toBe(3);
  await call(client, "end_worker", { worker_id: gone });
  expect(await end(worker, all + 5)).toBe(all + 2);
  await enqueueAll();
  await client.query("commit");
  await client.query("select triaged.fold_history()");
  // No fold has seen these.
  expect(await end(worker, 300)).toBe(300);
  await client.query("vacuum analyze");
  await client.query("begin");

  for (const question of QUESTIONS) {
    const nodes = await watchPlans(client, () => client.query(question));
    const read = nodes.filter(
      ({ relation = "", rowsRead }) =>
        /^(live_tasks|final_tasks|task_history)/.test(relation) && rowsRead > all / 2,
    );
    expect({ question, read }).toEqual({ question, read: [] });
  }
});

test("the newest tasks are found without a plan of the days before", async ({ db }) => {
  await db.query(
    `select triaged.create_partition('final_tasks', current_date - day)
     from generate_series(0, 20) as day`,
  );
  await enqueueMany(db, 60, { task_type: "noop" });
  const tasks = await claimTasks(db, await startWorker(db), { max_tasks: 50 });
  await settle(
    db,
    tasks.map((task) => outcomeOf(task, "fail", { error: "no" })),
  );

  for (const given of ["", "status => 'failed'", "task_type => 'noop'", "queue => 'default'"]) {
    const nodes = await watchPlans(db, () => db.query(`select from triaged.list_tasks(${given})`));
    const days = new Set(
      nodes.flatMap(({ relation = "" }) =>
        relation.startsWith("final_tasks_2") ? [relation] : [],
      ),
    );
    expect({ given, days: days.size }).toEqual({ given, days: expect.toSatisfy(isFew) });
  }
});

/** Today, the two days before it, and what an hour more or less adds. */
function isFew(days: number): boolean {
  return days > 0 && days <= 5;
}

test("a count by status reads some of many ended tasks, and says that it is an estimate", async ({
  db,
}) => {
  const ended = { finished: 20_000, failed: 300, cancelled: 700 };
  await enqueueMany(db, 5, { task_type: "noop" });
  for (const [place, [status, count]] of Object.entries(ended).entries()) {
    await db.query(
      `insert into triaged.final_tasks (
         task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
         max_attempts, rescue_count, metadata, created_at, ended_at
       )
       select -row_number() over () - $3::integer, 'noop', 'default', '{}', 2, $1, now(), 0, 0, 3, 0, '{}', now(), now() - n % 9 * interval '1 day'
       from generate_series(1, $2::integer) as n`,
      [status, count, place * 100_000],
    );
  }
  const queue = inSchema(db, "triaged");

  let few = await countByStatus(queue, { countMax: 500, pagesMax: 100 });
  const nodes = await watchPlans(db, async () => {
    few = await countByStatus(queue, { countMax: 500, pagesMax: 100 });
    // The last plan is told with the next statement.
    await db.query("select");
  });
  const all = await countByStatus(queue, { countMax: 21_000 });

  expect(all).toEqual({ counts: { queued: 5, ...ended }, isEstimate: false });
  // By its index, exactly; the others by chance.
  expect(few).toMatchObject({ counts: { queued: 5, failed: 300 }, isEstimate: true });
  expect(few.counts.finished).toBeGreaterThan(ended.finished / 2);
  expect(few.counts.finished).toBeLessThan(ended.finished * 2);
  expect(nodes.filter(({ type }) => type === "Sample Scan")).not.toEqual([]);
  const read = nodes.filter(({ relation = "" }) => relation.startsWith("final_tasks"));
  expect(read.reduce((sum, { rowsRead }) => sum + rowsRead, 0)).toBeLessThan(12_000);
});

/** As producers of the older system give them. */
const ID = "5f0c1bd2-7f67-4f0e-9d64-1a1df5a0f3f1";

test.for([
  ["a status by the id of a producer", "SELECT * FROM tasks WHERE task_id = $1", ID],
  ["a status by a number", "SELECT * FROM tasks WHERE task_id = $1", "7"],
  ["the history by an id", "SELECT * FROM task_history WHERE task_id = $1", ID],
  ["the client's look for an id", "select triaged.task_id_of($1)", ID],
  ["the client's look for a number", "select triaged.task_id_of($1)", "7"],
] as const)(
  "%s, as text, reads one task, beside many that wait and have ended",
  async ([, statement, id], { db }) => {
    await db.query("set local search_path to triaged_compat, triaged");
    await db.query(
      `insert into triaged_compat.tasks (task_id, task_type, status)
       values ('${ID}', 'consumer_triage', 'finished')`,
    );
    await enqueueMany(db, 1_500, { task_type: "noop" });
    await enqueueMany(db, 1_500, { task_type: "consumer_triage" });
    await db.query(
      `select triaged.import_task(jsonb_build_object(
         'task_type', 'template_triage', 'status', 'finished', 'given_id', 'g' || n))
       from generate_series(1, 3000) as n`,
    );
    await db.query("analyze triaged.live_tasks, triaged.final_tasks, triaged.task_history");

    // With literals: the plan of a statement with parameters is told once its portal is gone.
    const nodes = await watchPlans(db, () => db.query(statement.replace("$1", `'${id}'`)));

    expect(nodes.filter(({ relation }) => relation === "live_tasks")).not.toEqual([]);
    expect(nodes.filter(({ rowsRead }) => rowsRead > 10)).toEqual([]);
  },
);

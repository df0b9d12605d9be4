// Goal: what a producer or an operator does may be part of a transaction that is prepared, whether
// a worker sleeps or not; and whoever waits for such a transaction is told which it is.
// Method: a session that sleeps as workers do, each function between begin and prepare, and what
// the sleeper hears. Needs max_prepared_transactions, as test/support/shared-server.ts has it.

import type { Client } from "pg";
import { expect } from "vitest";
import { test as base, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { claimTasks, enqueue, query, queryOne, startWorker } from "../support/tasks.ts";

type Sleeper = { readonly heard: string[] };

const test = base.extend<{ db: Client; sleeper: Sleeper }>({
  db: async ({ connect, skip }, use) => {
    const db = await connect();
    const [allowed] = await query(db, "select current_setting('max_prepared_transactions') as max");
    skip(allowed?.["max"] === "0", "the server allows no prepared transactions");
    await use(db);
    await db.query("rollback");
    const { rows } = await db.query<{ gid: string }>(
      "select gid from pg_prepared_xacts where database = current_database()",
    );
    for (const { gid } of rows) await db.query(`rollback prepared '${gid}'`);
  },
  sleeper: async ({ connect }, use) => {
    const session = await connect();
    const heard: string[] = [];
    session.on("notification", ({ payload = "" }) => heard.push(payload));
    await session.query('listen "triaged.wake_up"');
    await session.query("select pg_advisory_lock_shared(triaged.lock_key('wake-up', 0))");
    await use({ heard });
  },
});

/** One of each status; `id` is the task. */
async function seed(db: Client) {
  const workerId = await startWorker(db);
  const started = await enqueue(db);
  await claimTasks(db, workerId);
  const asked = await enqueue(db);
  await claimTasks(db, workerId);
  await settleAs(db, asked, "ask");
  const failed = await enqueue(db);
  await claimTasks(db, workerId);
  await settleAs(db, failed, "fail");
  const queued = await enqueue(db);
  await enqueue(db, { dedupe_key: "held" });
  const { effect_id: effect } = await queryOne<{ effect_id: string }>(
    db,
    `insert into triaged.effects (task_id, kind, effect_key, payload, status, due_at, created_at)
     values ($1, 'webhook', 'k', '{}', 'failed', now(), now()) returning effect_id`,
    [started],
  );
  return { started, asked, failed, queued, worker: workerId, effect };
}

async function settleAs(db: Client, task: string, outcome: string) {
  await db.query("select triaged.settle_tasks($1)", [
    JSON.stringify([{ task_id: task, attempt: 1, outcome, prompt: "?", error: "broken" }]),
  ]);
}

const CHANGE = `{"source_repo": "a/b", "commit_sha": "1", "commit_message": "", "branch": "main"}`;

const WRITES: readonly (readonly [string, string])[] = [
  ["enqueue_task", "select triaged.enqueue_task('noop')"],
  ["enqueue_plain_task", "select triaged.enqueue_plain_task('noop')"],
  ["enqueue_task with a key", "select triaged.enqueue_task('noop', dedupe_key => 'k')"],
  [
    "enqueue_task that replaces",
    "select triaged.enqueue_task('noop', dedupe_key => 'held', dedupe_mode => 'replace')",
  ],
  ["enqueue_tasks", `select triaged.enqueue_tasks('[{"task_type": "noop"}, {"task_type": "b"}]')`],
  ["enqueue_scheduled", `select triaged.enqueue_scheduled('s', now(), '{"task_type": "noop"}')`],
  ["insert into tasks", "insert into triaged.tasks (task_type) values ('noop')"],
  [
    "insert into triage_tasks",
    `insert into triaged.triage_tasks (task_type, source_repo, target_repo)
     values ('consumer_triage', 'a/b', 'c/d')`,
  ],
  ["notify_change", `select triaged.notify_change('${CHANGE}')`],
  ["cancel_task", "select triaged.cancel_task($queued)"],
  ["cancel_task of one that is started", "select triaged.cancel_task($started)"],
  ["retry_task", "select triaged.retry_task($failed)"],
  ["decide_task", `select triaged.decide_task($asked, '"yes"')`],
  ["update tasks", "update triaged.tasks set status = 'cancelled' where task_id = $queued"],
  ["pause_queue", "select triaged.pause_queue('default')"],
  ["resume_queue", "select triaged.pause_queue('default'), triaged.resume_queue('default')"],
  ["resume_task_type", "select triaged.pause_task_type('noop'), triaged.resume_task_type('noop')"],
  ["retry_effect", "select triaged.retry_effect($effect)"],
  ["save_relationship", "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')"],
  ["remove_relationship", "select triaged.remove_relationship('a/b', 'c/d', 'api_consumer')"],
  ["end_worker", "select triaged.end_worker($worker)"],
  ["rescue_tasks", "select triaged.rescue_tasks()"],
  [
    "settle_tasks that releases",
    `select triaged.settle_tasks('[{"task_id": $started, "attempt": 1, "outcome": "release"}]')`,
  ],
  ["get_next_task", "select from triaged.get_next_task('older')"],
  ["expire_rows", "select triaged.expire_rows()"],
  ["expire_verdicts", "select triaged.expire_verdicts()"],
  ["create_partitions", "select triaged.create_partitions(9)"],
  ["drop_expired_partitions", "select triaged.drop_expired_partitions()"],
];

test.for(WRITES)(
  "%s may be prepared while a worker sleeps",
  async ([, text], { db, sleeper: _sleeps }) => {
    const ids = await seed(db);
    const statement = text.replaceAll(/\$(\w+)/g, (_, name: keyof typeof ids) => ids[name]);

    await db.query("begin");
    await db.query(statement);
    await db.query("prepare transaction 'written'");
    await db.query("commit prepared 'written'");

    expect(await query(db, "select from triaged.wake_ups")).toEqual([]);
    expect(await query(db, "select from pg_prepared_xacts")).toEqual([]);
  },
);

const PREPARING: readonly (readonly [string, readonly string[]])[] = [
  ["in one string", ["begin; select triaged.enqueue_task('noop'); prepare transaction 'x'"]],
  [
    "with comments and lines",
    ["begin", "select triaged.enqueue_task('noop')", "PREPARE--\n /* as\n told */ TRANSACTION 'x'"],
  ],
  [
    "after constraints that are immediate",
    [
      "begin",
      "select triaged.enqueue_task('noop')",
      "set constraints all immediate",
      "prepare transaction 'x'",
    ],
  ],
  [
    "with constraints that are immediate from the start",
    [
      "begin",
      "set /* all */ constraints all immediate",
      "select triaged.enqueue_task('noop')",
      'select triaged.enqueue_tasks(\'[{"task_type": "noop"}]\')',
      "prepare transaction 'x'",
    ],
  ],
  [
    "where a block makes constraints immediate",
    [
      "begin",
      "do $$ begin perform triaged.enqueue_task('noop'); set constraints all immediate; end $$",
      "prepare transaction 'x'",
    ],
  ],
  [
    "in a loop with errors that are caught",
    [
      "begin",
      `do $$ begin
         for i in 1..3 loop
           begin perform triaged.enqueue_task('noop'); perform 1 / (i - 2);
           exception when division_by_zero then null; end;
         end loop;
       end $$`,
      "prepare transaction 'x'",
    ],
  ],
];

test.for(PREPARING)("a transaction is prepared %s", async ([, statements], { db, sleeper }) => {
  for (const statement of statements) await db.query(statement);

  expect(await query(db, "select gid from pg_prepared_xacts")).toContainEqual({ gid: "x" });
  await db.query("commit prepared 'x'");
  expect(await query(db, "select from triaged.live_tasks")).not.toEqual([]);
  expect(await query(db, "select from triaged.wake_ups")).toEqual([]);
  expect(sleeper.heard).toEqual([]);
});

test("a protocol of prepared statements prepares too", async ({ db, sleeper }) => {
  await db.query({ name: "a", text: "begin" });
  await db.query({ name: "b", text: "select triaged.enqueue_task($1)", values: ["noop"] });
  await db.query({ name: "c", text: "prepare transaction 'x'" });
  await db.query("commit prepared 'x'");

  expect(sleeper.heard).toEqual([]);
});

const COMMITTING: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["by itself", ["select triaged.enqueue_task('noop')"], ['["default", "noop", 2]']],
  [
    "in a transaction",
    ["begin", "select triaged.enqueue_task('noop')", "commit"],
    ['["default", "noop", 2]'],
  ],
  [
    "in a transaction that says end",
    ["begin", "select triaged.enqueue_task('a')", "select triaged.enqueue_task('b')", "end"],
    ['["default", "a", 2]', '["default", "b", 2]'],
  ],
  [
    "after a savepoint that was rolled back",
    [
      "begin",
      "savepoint s",
      "select triaged.enqueue_task('noop')",
      "rollback to s",
      "select triaged.enqueue_task('noop')",
      "commit",
    ],
    ['["default", "noop", 2]'],
  ],
  [
    "many times",
    ["begin", "select triaged.enqueue_task('noop') from generate_series(1, 1000)", "commit"],
    ['["default", "noop", 2]'],
  ],
  [
    "again in the next transaction",
    ["select triaged.enqueue_task('noop')", "select triaged.enqueue_task('noop')"],
    ['["default", "noop", 2]', '["default", "noop", 2]'],
  ],
  ["in bulk", [`select triaged.enqueue_tasks('[{"task_type": "noop"}]')`], [""]],
  [
    "as another role",
    ["begin", "set local role triaged_api", "select triaged.enqueue_task('noop')", "commit"],
    ['["default", "noop", 2]'],
  ],
];

test.for(COMMITTING)(
  "an enqueue %s wakes the worker that sleeps",
  async ([, statements, said], { db, sleeper }) => {
    for (const statement of statements) await db.query(statement);

    await waitFor(() => sleeper.heard.length >= said.length);
    expect(sleeper.heard).toEqual(said);
    expect(await query(db, "select from triaged.wake_ups")).toEqual([]);
  },
);

test("nobody is woken by what is rolled back", async ({ db, sleeper }) => {
  await db.query("begin");
  await enqueue(db);
  await db.query("rollback");
  await db.query(`select pg_notify('triaged.wake_up', 'after')`);

  await waitFor(() => sleeper.heard.length > 0);
  expect(sleeper.heard).toEqual(["after"]);
});

test("a cancel of a started task is told at commit", async ({ db, sleeper }) => {
  const { started } = await seed(db);
  sleeper.heard.length = 0;

  await db.query("select triaged.cancel_task($1)", [started]);

  await waitFor(() => sleeper.heard.includes("cancel"));
});

test("a session that waits for the lock of a prepared transaction is told its name", async ({
  db,
  connect,
}) => {
  await db.query("begin");
  await db.query("select triaged.save_relationship('a/b', 'c/d', 'api_consumer')");
  await db.query("prepare transaction 'left behind'");

  const other = await connect();
  await other.query("set lock_timeout to '100ms'");
  await expect(
    other.query("select triaged.save_relationship('e/f', 'g/h', 'api_consumer')"),
  ).rejects.toMatchObject({
    code: "55P03",
    message: expect.stringContaining(`held by the prepared transaction 'left behind' (role`),
    hint: expect.stringContaining("rollback prepared"),
  });
});

test("so is a migration", async ({ db, url }) => {
  await db.query("begin");
  await db.query("select pg_advisory_xact_lock(triaged.lock_key('migrate', 0))");
  await db.query("prepare transaction 'half a migration'");
  await db.query("update triaged.schema_migrations set checksum = '' where name = 'repeatables'");

  await expect(migrate({ connectionString: url }, { lockWaitMs: 100 })).rejects.toMatchObject({
    message: expect.stringContaining("the prepared transaction 'half a migration'"),
    hint: expect.stringContaining("rollback prepared 'half a migration'"),
  });
});

test("a migration that cannot have a table is told who has it", async ({ db, url }) => {
  await db.query("begin");
  await enqueue(db);
  await db.query("prepare transaction 'an order'");
  await db.query("update triaged.schema_migrations set checksum = '' where name = 'repeatables'");

  await expect(migrate({ connectionString: url }, { lockRetries: 0 })).rejects.toMatchObject({
    message: expect.stringContaining("locked by the prepared transaction 'an order'"),
    hint: expect.stringContaining("rollback prepared 'an order'"),
  });
});

test("neither claims nor retention wait for a prepared transaction", async ({ db }) => {
  const held = await enqueue(db);
  const free = await enqueue(db);
  await db.query("begin");
  await db.query("select triaged.cancel_task($1)", [held]);
  await db.query("select triaged.enqueue_task('noop')");
  await db.query("prepare transaction 'an order'");

  const claimed = await claimTasks(db, await startWorker(db));
  expect(claimed.map(({ task_id }) => task_id)).toEqual([free]);
  await db.query("set triaged.fake_now to '2131-01-01'");
  // The partitions are in use: the next run drops them.
  expect(await query(db, "select triaged.drop_expired_partitions()")).toEqual([]);
  await db.query("commit prepared 'an order'");
  expect(await query(db, "select triaged.drop_expired_partitions()")).not.toEqual([]);
});

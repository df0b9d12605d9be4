// Goal: a stranger who fills the server's room for notifications stops nothing that the queue
// does, and the doctor tells of it long before.
// Method: a server of its own, whose room is small (17 and later can be told so), with and without
// prepared transactions; a session that sleeps as workers do; every function that notifies.

import { join } from "node:path";
import { Client, type Pool } from "pg";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { openPool } from "../../src/database/pool.ts";
import { locksProbe } from "../../src/doctor/sessions.ts";
import { migrateJobsSchema } from "../../src/jobs/graphile-adapter.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { migrate } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { openStranger } from "../support/hostile-role.ts";
import { claimTasks, enqueue, query, queryOne, startWorker } from "../support/tasks.ts";

type Scene = AsyncDisposable & {
  readonly url: string;
  readonly db: Client;
  readonly pool: Pool;
  /** Listens, and reads nothing from when it is told to. */
  readonly keeper: Client;
  readonly filler: Client;
};

async function startScene(prepared: number): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = await makeTemporaryFolder();
  stack.defer(() => folder.remove());
  const server = await startEmbedded({
    folder: join(folder.path, "server"),
    settings: { max_notify_queue_pages: 64, max_prepared_transactions: prepared },
  });
  stack.defer(() => server.stop());
  await migrate({ connectionString: server.url });
  const pool = openPool(parseDatabaseUrl(server.url), {
    role: "test",
    pool: { max: 3, acquireTimeoutMs: 10_000, recycleMs: 60_000 },
    logger: pino({ enabled: false }),
  });
  stack.defer(() => pool.end());
  await migrateJobsSchema(pool, "triaged", {});
  const keeper = await openStranger(server.url);
  stack.defer(() => keeper.leave());
  const filler = await openStranger(server.url);
  stack.defer(() => filler.leave());
  const db = new Client({ connectionString: server.url });
  await db.connect();
  stack.defer(() => db.end());
  await keeper.client.query(
    "select pg_advisory_lock_shared(hashtextextended('triaged.wake_up', 0))",
  );
  await keeper.client.query('listen "triaged.wake_up"');
  return {
    url: server.url,
    db,
    pool,
    keeper: keeper.client,
    filler: filler.client,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Notify until there is no room; look in between, while there is some. */
async function fill({ db, keeper, filler }: Scene, onHalfway: () => Promise<void>): Promise<void> {
  const usage = async () =>
    (await queryOne<{ used: number }>(db, "select pg_notification_queue_usage() as used")).used;
  await keeper.query("begin");
  await keeper.query("select");
  while ((await usage()) < 0.2) {
    await filler.query(
      "select pg_notify('any', g || repeat('x', 7000)) from generate_series(1, 5) as g",
    );
  }
  await onHalfway();
  const fillUp = async () => {
    for (;;) await filler.query("select pg_notify('any', repeat('x', 7000))");
  };
  await expect(fillUp()).rejects.toThrow(/too many notifications/);
  expect(await usage()).toBeGreaterThan(0.9);
}

const ENQUEUES: readonly string[] = [
  "select triaged.enqueue_task('noop')",
  `select triaged.enqueue_tasks('[{"task_type": "a"}, {"task_type": "b"}]')`,
  "select triaged.enqueue_task('noop', dedupe_key => 'k', dedupe_mode => 'replace')",
  "insert into triaged.tasks (task_type) values ('noop')",
  `select triaged.notify_change('{"source_repo": "a/b", "commit_sha": "1",
     "commit_message": "", "branch": "main"}')`,
  `select triaged.enqueue_scheduled('s', now(), '{"task_type": "noop"}')`,
  "select triaged.pause_queue('default'), triaged.resume_queue('default')",
  "select triaged.pause_task_type('noop'), triaged.resume_task_type('noop')",
];

test.for([0, 5])(
  "tasks and effects go on while there is no room, and %i may be prepared",
  async (prepared) => {
    await using scene = await startScene(prepared);
    const { db, pool, url } = scene;
    expect(await queryOne(db, "select triaged.jobs_schema() as known")).toEqual({
      known: "graphile_worker",
    });
    const workerId = await startWorker(db);
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) ids.push(await enqueue(db));
    await claimTasks(db, workerId);
    const [asked, failed, cancelled, released, lost, effective, retried] = ids;
    const settle = settling(db);
    await settle(asked, "ask");
    await settle(failed, "fail");
    await enqueue(db, { dedupe_key: "k" });

    await fill(scene, async () => {
      expect(await findingsOf(url, locksProbe)).toContainEqual(
        expect.objectContaining({ level: "warning", subject: "notifications" }),
      );
    });

    for (const statement of ENQUEUES) await query(db, statement);
    const client = createClient({ pool });
    await client.enqueue("noop", {});
    await client.enqueueMany([{ taskType: "noop", payload: {} }]);
    expect(await query(db, "select triaged.cancel_task($1) as said", [cancelled])).toEqual([
      { said: "requested" },
    ]);
    await query(db, "select triaged.retry_task($1)", [failed]);
    await query(db, "select triaged.decide_task($1, 'true')", [asked]);
    await settle(released, "release");
    await settle(retried, "retry");
    await expectEffectsToGoOn(db, effective);
    await query(db, "update triaged.workers set heartbeat_at = now() - interval '1 hour'");
    expect(await query(db, "select task_id from triaged.rescue_tasks()")).toEqual(
      expect.arrayContaining([{ task_id: lost }]),
    );
    expect(await query(db, "select from triaged.wake_ups")).toEqual([]);
  },
);

function settling(db: Client) {
  return async (task: string | undefined, outcome: string, effects: unknown[] = []) =>
    await query(db, "select * from triaged.settle_tasks_with_effects($1, $2)", [
      JSON.stringify([{ task_id: task, attempt: 1, outcome, prompt: "?", error: "broken" }]),
      JSON.stringify(effects),
    ]);
}

async function expectEffectsToGoOn(db: Client, task: string | undefined): Promise<void> {
  const payload = { target_repo: "a/b" };
  const effect = { task_id: task, attempt: 1, kind: "webhook", key: "webhook", payload };
  expect(await settling(db)(task, "finish", [effect])).toHaveLength(1);
  expect(await query(db, "select effect_key, status from triaged.effects")).toEqual([
    { effect_key: "webhook", status: "pending" },
  ]);
  await query(db, "select triaged.claim_effect(1, 60000)");
  await query(db, "select triaged.settle_effect(1, 1, 'pending', null, 'broken', 10)");
  await query(db, "update triaged.effects set status = 'failed'");
  expect(await queryOne(db, "select triaged.retry_effect(1) as retried")).toEqual({
    retried: true,
  });
  await query(db, "update triaged.effects set kind = 'digest'");
  expect(await queryOne(db, "select triaged.gather_digest() as made")).toEqual({ made: 1 });
  expect(await query(db, "select from graphile_worker.jobs")).toEqual([]);
}

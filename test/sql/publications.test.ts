// Goal: whatever is published of the queue, and by whomever, every statement of it works as
// without, and a subscriber has the same rows.
// Method: publications of each form before and after migrate, then the life of tasks and
// partitions; the catalog tells what names a row of each table, now and later.

import { runMigrations } from "graphile-worker";
import { Client } from "pg";
import { expect } from "vitest";
import { jobsSchemaOf } from "../../src/database/graphile-tables.ts";
import { publicationsProbe } from "../../src/doctor/schema.ts";
import { emptyDatabaseTest as emptyTest, test, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";
import { hasDebian, startOwnServer } from "../support/own-servers.ts";
import {
  failTask,
  makeDays,
  partitionsOf,
  rowsOf,
  setTime,
  step,
  steps,
} from "../support/partitions.ts";
import { enqueue, outcomeOf, query, queryOne, settle, startTask } from "../support/tasks.ts";

/** Tables whose updates and deletes PostgreSQL refuses while they are published. */
const NAMELESS = `
  select format('%s.%s', nspname, relname) as name
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname = any ($1) and relkind = 'r' and relpersistence = 'p'
    and not case relreplident
      when 'f' then true
      when 'n' then false
      else exists (
        select from pg_index
        where indrelid = pg_class.oid
          and case relreplident when 'd' then indisprimary else indisreplident end
      )
    end`;

const FORMS = [
  "for all tables",
  "for tables in schema triaged",
  "for all tables with (publish_via_partition_root = true)",
  "for table triaged.live_tasks, triaged.final_tasks, triaged.task_history with (publish_via_partition_root = true)",
  "for table triaged.live_tasks where (task_id > 0), triaged.task_history",
] as const;

/** Tasks of each end, moves by hand, partitions made, moved to, merged and dropped. */
async function live(client: Client): Promise<void> {
  await setTime(client, "2025-03-03T12:00:00Z");
  await enqueue(client, { dedupe_key: "mine" });
  const asked = await startTask(client);
  await settle(client, [outcomeOf(asked, "ask", { prompt: "really?" })]);
  await query(client, "select triaged.decide_task($1, '1')", [asked.task_id]);
  await query(client, "update triaged.tasks set priority = 1 where task_id = $1", [asked.task_id]);
  await query(client, "select triaged.cancel_task($1)", [asked.task_id]);
  await failTask(client, "2025-03-03T13:00:00Z");
  await failTask(client, "2025-03-05T13:00:00Z");
  await setTime(client, "2025-03-05T14:00:00Z");
  // Out of the default partition, where all of this lies.
  await query(client, "select triaged.create_partitions(1)");
  for (const table of ["final_tasks", "task_history"] as const) {
    await makeDays(client, table, "2025-03-04", "2025-03-09");
  }
  await setTime(client, "2025-03-20T12:00:00Z");
  await query(client, "select triaged.create_partitions(1)");
}

test("every table, also one that comes later, has what names its rows", async ({ connect }) => {
  const client = await connect();
  const nameless = async () =>
    await query(client, NAMELESS, [["triaged", jobsSchemaOf("triaged")]]);
  expect(await nameless()).toEqual([]);

  await live(client);
  expect(await nameless()).toEqual([]);
  const kept = { task_days: 40, history_days: 90 };
  const seen: string[] = [];
  for (let did = await step(client, kept); did !== null; did = await step(client, kept)) {
    seen.push(did.step);
    expect(await nameless()).toEqual([]);
  }

  expect(seen).toContain("swapped");
  expect(await partitionsOf(client, "task_history")).toContain("task_history_20250303_20250309");
});

test("the tables of the jobs have it too", async ({ url, connect }) => {
  const client = await connect();
  await runMigrations({ connectionString: url });

  expect(await query(client, NAMELESS, [[jobsSchemaOf("triaged")]])).toEqual([]);
  expect(
    await query(client, "select from pg_class where relnamespace = to_regnamespace($1)", [
      jobsSchemaOf("triaged"),
    ]),
  ).not.toEqual([]);
});

test.for(FORMS)("a live queue is published %s", async (form, { connect, url }) => {
  const client = await connect();
  await client.query("set client_min_messages to error");
  await client.query(`create publication ours ${form}`);

  await live(client);
  const [tasks, history] = [
    await rowsOf(client, "final_tasks"),
    await rowsOf(client, "task_history"),
  ];
  const did = await steps(client, { task_days: 40, history_days: 90 });
  expect(did.map((made) => made.step)).toContain("swapped");
  expect([await rowsOf(client, "final_tasks"), await rowsOf(client, "task_history")]).toEqual([
    tasks,
    history,
  ]);
  await setTime(client, "2026-03-20T12:00:00Z");
  expect(await query(client, "select triaged.drop_expired_partitions(7, 90)")).not.toEqual([]);

  expect(await findingsOf(url, publicationsProbe)).toMatchObject([{ level: "ok", found: "ours" }]);
});

emptyTest.for(["for all tables", "for all tables with (publish_via_partition_root = true)"])(
  "a database that publishes %s is migrated",
  async (form, { db, url }) => {
    await db.query("set client_min_messages to error");
    await db.query(`create publication ours ${form}`);
    const warnings: string[] = [];

    await migrate({ connectionString: url }, { onWarning: (text) => void warnings.push(text) });

    expect(warnings.filter((text) => text.includes("partition"))).toEqual([]);
    await live(db);
  },
);

const REFUSED: readonly [publication: string, table: string][] = [
  ["for table triaged.live_tasks where (status = 'queued')", "live_tasks (publication ours)"],
  ["for table triaged.dedupe_keys (task_id)", "dedupe_keys (publication ours)"],
];

test.for(REFUSED)(
  "the doctor names what a publication refuses: %s",
  async ([publication, table], { connect, url }) => {
    const client = await connect();
    await client.query("set client_min_messages to error");
    await client.query(`create publication ours ${publication}`);

    expect(await findingsOf(url, publicationsProbe)).toMatchObject([
      { level: "error", found: `updates and deletes are refused of ${table}` },
    ]);

    await client.query("alter publication ours set (publish = 'insert')");
    expect(await findingsOf(url, publicationsProbe)).toMatchObject([{ level: "ok" }]);
  },
);

test("the doctor names a table that lost what names its rows", async ({ connect, url }) => {
  const client = await connect();
  await client.query("set client_min_messages to error");
  await client.query(`create publication ours for all tables;
    alter table triaged.task_history_default replica identity default`);

  expect(await findingsOf(url, publicationsProbe)).toMatchObject([
    { level: "error", found: expect.stringContaining("task_history_default (publication ours)") },
  ]);
});

/** A server begins to copy tables one by one, some seconds apart. */
const SYNCED = { deadlineMs: 40_000 };

const KINDS = [
  { kind: "embedded", form: "for all tables" },
  { kind: "debian", form: "for tables in schema triaged" },
] as const;

test.skipIf(!hasDebian).for(KINDS)(
  "nothing is merged where the copies would be sent to subscribers: $kind, $form",
  { timeout: 60_000 },
  async ({ kind, form }) => {
    await using server = await startOwnServer(kind, { wal_level: "logical" });
    await migrate({ connectionString: server.url });
    await using client = await connectTo(server.url);
    await live(client.db);
    const kept = { task_days: 40, history_days: 90 };
    expect((await step(client.db, kept))?.step).toBe("began");

    await client.db.query(`create publication ours ${form}`);
    expect((await step(client.db, kept))?.step).toBe("gave up");
    expect(await step(client.db, kept)).toBeNull();
    expect(await findingsOf(server.url, publicationsProbe)).toMatchObject([
      { level: "warning", found: expect.stringContaining("old partitions are not merged") },
    ]);

    await client.db.query("drop publication ours");
    expect((await step(client.db, kept))?.step).toBe("began");
  },
);

test.skipIf(!hasDebian).for(["embedded", "debian"] as const)(
  "a subscriber has every row of the queue: %s",
  { timeout: 120_000 },
  async (kind) => {
    await using publisher = await startOwnServer(kind, { wal_level: "logical" });
    await using subscriber = await startOwnServer(kind, { wal_level: "logical" });
    await migrate({ connectionString: publisher.url });
    await migrate({ connectionString: subscriber.url });
    await using from = await connectTo(publisher.url);
    await using to = await connectTo(subscriber.url);
    await from.db.query(`create publication ours
      for table triaged.live_tasks, triaged.final_tasks, triaged.task_history
      with (publish_via_partition_root = true)`);
    await to.db.query(`create subscription ours connection '${publisher.url}' publication ours`);

    const waiting = "select from pg_subscription_rel where srsubstate <> 'r'";
    await waitFor(async () => (await query(to.db, waiting)).length === 0, SYNCED);

    await live(from.db);
    await steps(from.db, { task_days: 40, history_days: 90 });
    await enqueue(from.db);

    const wanted = await sums(from.db);
    await waitFor(async () => JSON.stringify(await sums(to.db)) === JSON.stringify(wanted), SYNCED);

    // It takes over.
    await to.db.query("drop subscription ours");
    const restored: string[] = [];
    await migrate(
      { connectionString: subscriber.url },
      { onRestored: (what) => void restored.push(what) },
    );
    expect(restored).toContainEqual(expect.stringContaining("sequence of live_tasks.task_id"));
    const { newest } = await queryOne<{ newest: string }>(
      to.db,
      "select max(task_id) as newest from triaged.tasks",
    );
    expect(Number(await enqueue(to.db))).toBeGreaterThan(Number(newest));
  },
);

/** A publisher merges its partitions by copies, which are not sent: the rows are compared. */
const SUMS = `select
  (select md5(string_agg(t::text, ' ' order by task_id)) from triaged.live_tasks as t) as live,
  (select md5(string_agg(t::text, ' ' order by task_id)) from triaged.final_tasks as t) as final,
  (select md5(string_agg(t::text, ' ' order by history_id)) from triaged.task_history as t)
    as history`;

async function sums(db: Client): Promise<unknown> {
  return await queryOne(db, SUMS);
}

async function connectTo(url: string): Promise<AsyncDisposable & { db: Client }> {
  const db = new Client({ connectionString: url });
  await db.connect();
  return { db, [Symbol.asyncDispose]: () => db.end() };
}

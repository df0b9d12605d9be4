// `triaged doctor` on the server: settings, sessions, vacuum, clock, pooler.

import { Client } from "pg";
import { expect } from "vitest";
import { clockProbe, serverProbe } from "../../src/doctor/server.ts";
import {
  connectionsProbe,
  judgeLockTable,
  lockTableProbe,
  poolerProbe,
} from "../../src/doctor/sessions.ts";
import { snapshotProbe, vacuumProbe } from "../../src/doctor/vacuum.ts";
import { test } from "../support/connections.ts";
import { findingsOf } from "../support/doctor.ts";
import { hasPgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { queryOne, startWorker } from "../support/tasks.ts";

/** Change a setting for the sessions to come of one database. */
async function setForDatabase(client: Client, setting: string): Promise<void> {
  await client.query(`do $$ begin
    execute format('alter database %I set ${setting}', current_database());
  end $$`);
}

const found = (text: string) => expect.stringContaining(text);
const advice = expect.stringMatching(/\w/);

test.for([
  ["synchronous_commit to off", "warning", "durability"],
  ["track_activities to off", "warning", "activity"],
  ["idle_in_transaction_session_timeout to 0", "warning", "idle"],
  ["session_replication_role to replica", "error", "triggers"],
] as const)("%s is a %s", async ([setting, level, subject], { url, client }) => {
  await setForDatabase(client, "idle_in_transaction_session_timeout to ''10min''");
  const { fsync } = await queryOne(client, "select current_setting('fsync') as fsync");
  const before = await findingsOf(url, serverProbe);
  expect(
    before.filter((finding) => finding.level !== "ok" && finding.subject !== "durability"),
  ).toEqual([]);

  await setForDatabase(client, setting);

  // A server without fsync has a graver finding of the same subject.
  const expected = subject === "durability" && fsync === "off" ? "error" : level;
  expect(await findingsOf(url, serverProbe)).toContainEqual({
    level: expected,
    subject,
    found: expect.any(String),
    advice,
  });
});

test("pools that may want more than the server has are a warning", async ({ url, client }) => {
  await startWorker(client);

  expect(await findingsOf(url, connectionsProbe)).toMatchObject([{ level: "ok" }]);
  expect(await findingsOf(url, connectionsProbe, { pool: { max: 100_000 } })).toEqual([
    {
      level: "warning",
      subject: "connections",
      found: found("1 worker and the jobs may want 100011"),
      advice: found("DB_POOL_SIZE"),
    },
  ]);
});

test.for([
  ["live_tasks", "off"],
  ["dedupe_keys", "false"],
])("autovacuum switched off for %s is an error", async ([table, off], { url, client }) => {
  await client.query(`alter table triaged.${table} set (autovacuum_enabled = ${off})`);

  expect(await findingsOf(url, vacuumProbe)).toContainEqual({
    level: "error",
    subject: "autovacuum",
    found: `switched off for triaged.${table}`,
    advice: `alter table triaged.${table} reset (autovacuum_enabled)`,
  });
});

test("a server that counts no rows never vacuums: an error", async ({ url, client }) => {
  await setForDatabase(client, "track_counts to off");

  expect(await findingsOf(url, vacuumProbe)).toContainEqual(
    expect.objectContaining({ level: "error", found: found("track_counts off") }),
  );
});

test("many dead rows beside few living ones are a warning", async ({ url, client }) => {
  await client.query("alter table triaged.workers set (autovacuum_enabled = off)");
  await startWorker(client);
  await client.query(`do $$ begin
    for round in 1..10100 loop
      update triaged.workers set heartbeat_at = heartbeat_at;
    end loop;
  end $$`);

  await expect
    .poll(() => findingsOf(url, vacuumProbe), { timeout: 20_000 })
    .toContainEqual({
      level: "warning",
      subject: "dead rows",
      found: expect.stringMatching(/workers 10\d\d\d beside 1/),
      advice: found("vacuum workers"),
    });
});

test("the session that holds back vacuum shows with pid, age and query", async ({
  url,
  client,
}) => {
  await client.query("set application_name to 'a report'");
  await client.query("begin isolation level repeatable read");
  const { pid } = await queryOne(client, "select pg_backend_pid() as pid, 'the report' as query");

  const [oldest] = await findingsOf(url, snapshotProbe);

  await client.query("rollback");
  expect(oldest?.found).toMatch(/^session of \S+ a report, /);
  expect(oldest?.found).toMatch(new RegExp(`pid ${String(pid)}, idle in transaction, for \\d+ s`));
  expect(oldest?.found).toContain("'the report' as query");
});

test("so does one that wrote and holds no snapshot", async ({ url, client }) => {
  await client.query("begin");
  await client.query("create table mine ()");
  const { pid } = await queryOne(client, "select pg_backend_pid() as pid");

  const [oldest] = await findingsOf(url, snapshotProbe);

  await client.query("rollback");
  expect(oldest?.found).toContain(`pid ${String(pid)}`);
});

test("so does a prepared transaction, which has no session", async ({ url, client, skip }) => {
  const { max } = await queryOne<{ max: string }>(
    client,
    "select current_setting('max_prepared_transactions') as max",
  );
  skip(max === "0", "the server allows no prepared transactions");
  await client.query("begin; create table mine (); prepare transaction 'order-1'");

  const [oldest] = await findingsOf(url, snapshotProbe);

  await client.query("rollback prepared 'order-1'");
  expect(oldest?.found).toMatch(/^prepared transaction order-1, for \d+ s/);
});

test("a session of another database holds nothing back here", async ({ url }) => {
  const elsewhere = new Client({
    connectionString: Object.assign(new URL(url), { pathname: "/postgres" }).href,
  });
  await elsewhere.connect();
  await elsewhere.query("begin isolation level repeatable read");
  const { pid } = await queryOne(elsewhere, "select pg_backend_pid() as pid");

  const findings = await findingsOf(url, snapshotProbe);

  await elsewhere.query("rollback");
  await elsewhere.end();
  expect(JSON.stringify(findings)).not.toContain(`pid ${String(pid)}`);
});

test("a clock that is an hour off is a warning", async ({ url }) => {
  expect(await findingsOf(url, clockProbe)).toMatchObject([{ level: "ok" }]);
  expect(await findingsOf(url, clockProbe, { clock: () => Date.now() + 3_600_000 })).toEqual([
    {
      level: "warning",
      subject: "clock",
      found: expect.stringMatching(/^this machine is \d{7} ms ahead of the server$/),
      advice,
    },
  ]);
});

test("without a pooler there is nothing to say", async ({ url }) => {
  expect(await findingsOf(url, poolerProbe)).toMatchObject([{ level: "ok" }]);
});

test.skipIf(!hasPgbouncer)("a pooler wants an address beside it", async ({ url }) => {
  await using pooler = await startPgbouncer(url);

  const alone = await findingsOf(pooler.url, poolerProbe);
  const both = await findingsOf(pooler.url, poolerProbe, { directUrl: url });
  const wrong = await findingsOf(pooler.url, poolerProbe, { directUrl: pooler.url });

  expect(alone).toMatchObject([{ level: "warning", advice: found("DATABASE_DIRECT_URL") }]);
  expect(both).toMatchObject([{ level: "ok" }]);
  expect(wrong).toMatchObject([{ level: "error", found: found("leads to a pooler") }]);
});

test.skipIf(!hasPgbouncer)("the other looks work through a pooler", async ({ url }) => {
  await using pooler = await startPgbouncer(url);

  for (const probe of [serverProbe, snapshotProbe, vacuumProbe, clockProbe]) {
    for (const { found: text } of await findingsOf(pooler.url, probe)) {
      expect(text).not.toContain("the look failed");
    }
  }
});

test("a look at a server that is gone is a finding", async () => {
  expect(await findingsOf("postgres://u@127.0.0.1:1/d?sslmode=disable", serverProbe)).toMatchObject(
    [{ level: "error", subject: "server", found: found("ECONNREFUSED") }],
  );
});

test("a lock table that cannot bear all connections at once is a warning", async ({ url }) => {
  const of = { max_locks_per_transaction: 64, sessions: 100, partitions: 376, workers_alive: 2 };

  expect(judgeLockTable({ ...of, of_query: 1_127 }, { max: 10 })).toEqual({
    level: "warning",
    subject: "lock table",
    found:
      "a query over all 376 partitions takes 1127 locks; the server has room for 6400, " +
      "and 33 connections may want 37191",
    advice: expect.stringMatching(/max_locks_per_transaction to 372 /),
  });
  expect(judgeLockTable({ ...of, of_query: 120 }, { max: 10 })).toMatchObject({ level: "ok" });
  // Nine partitions with eleven indexes each, and the table's own: lists of what failed, by parent,
  // context, repository and worker have one, which a statement locks whether it uses it or not.
  expect(await findingsOf(url, lockTableProbe)).toMatchObject([
    { level: "ok", found: expect.stringMatching(/over all 9 partitions takes 120 locks/) },
  ]);
});

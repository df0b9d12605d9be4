// Goal: a session of ours depends on nothing that was set for its database or role, behind a
// pooler either, and leaves nothing behind there; a handler's has what its database sets.
// Method: databases with such settings, and what each kind of session is asked.

import { Client, type Pool } from "pg";
import { pino } from "pino";
import { expect, inject } from "vitest";
import { claimTasks, settleTasks } from "../../src/database/attempts.ts";
import { inSchema } from "../../src/database/database.ts";
import { openPool } from "../../src/database/pool.ts";
import { registerWorker } from "../../src/database/workers.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { test } from "../support/connections.ts";
import { dropDatabase, makeDatabase, migrate, urlOf } from "../support/databases.ts";
import { hasPgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { runMain } from "../support/run-main.ts";
import { enqueue, query, queryOne } from "../support/tasks.ts";

function open(url: string, { isForHandlers = false } = {}): Pool {
  return openPool(parseDatabaseUrl(url), {
    role: "test",
    pool: { max: 3, acquireTimeoutMs: 10_000, recycleMs: 60_000 },
    logger: pino({ enabled: false }),
    isForHandlers,
  });
}

async function setForDatabase(db: Client, ...settings: string[]): Promise<void> {
  for (const setting of settings) {
    await db.query(`do $$ begin
      execute format('alter database %I set ', current_database()) || $x$${setting}$x$;
    end $$`);
  }
}

const STRANGE = [
  "datestyle to german",
  "standard_conforming_strings to off",
  "default_transaction_isolation to serializable",
  "default_transaction_deferrable to on",
  "extra_float_digits to -15",
];

const ASKED = `select current_setting('datestyle') as dates, '\\x' as literal,
  current_setting('transaction_isolation') as level,
  current_setting('transaction_deferrable') as deferrable, 0.1::float8 + 0.2::float8 as sum`;

const OURS = {
  dates: "ISO, MDY",
  literal: "\\x",
  level: "read committed",
  deferrable: "off",
  sum: 0.1 + 0.2,
};

test("a session of ours is set by us", async ({ url, connect }) => {
  await setForDatabase(await connect(), ...STRANGE);

  const pool = open(url);
  expect(await query(pool, ASKED)).toEqual([OURS]);
  await pool.end();
});

test("a session for handlers reads dates, and has what its database sets besides", async ({
  url,
  connect,
}) => {
  await setForDatabase(await connect(), ...STRANGE);

  const pool = open(url, { isForHandlers: true });
  expect(await query(pool, ASKED)).toMatchObject([
    { dates: "ISO, MDY", literal: "\\x", level: "serializable" },
  ]);
  await pool.end();
});

test.skipIf(!hasPgbouncer)(
  "behind a pooler a session of ours reads dates and literals, and sets nothing for others",
  async ({ url, connect }) => {
    await setForDatabase(await connect(), ...STRANGE);
    await using pooler = await startPgbouncer(url);

    const pool = open(pooler.url);
    expect(await query(pool, ASKED)).toMatchObject([
      { dates: "ISO, MDY", literal: "\\x", level: "serializable" },
    ]);
    const other = new Client({ connectionString: pooler.url });
    await other.connect();
    expect(await queryOne(other, "show default_transaction_isolation")).toEqual({
      default_transaction_isolation: "serializable",
    });
    await other.end();
    await pool.end();
  },
);

/** What statements of ours call by bare names, and what takes their place. */
const EVIL = `
  create schema evil;
  create function evil.octet_length(text) returns integer language sql as 'select 1 / 0';
  create function evil.set_config(text, text, boolean) returns text language sql as 'select ''x''';
  create function evil.current_setting(text) returns text language sql as 'select ''x''';
  create function evil.to_json(timestamptz) returns json language sql as 'select ''1''::json';
  create function evil.to_regclass(text) returns regclass language sql as 'select null::regclass';
  create function evil.to_regnamespace(text) returns regnamespace language sql
    as 'select null::regnamespace';
  create function evil.never(text, text) returns boolean language sql as 'select false';
  create function evil.never(bigint, bigint) returns boolean language sql as 'select false';
  create operator evil.= (function = evil.never, leftarg = text, rightarg = text);
  create operator evil.<= (function = evil.never, leftarg = bigint, rightarg = bigint);
  create table evil.tasks (task_id text);
  create table evil.live_tasks (task_id text);
  create type evil.timestamptz as enum ('never');
`;

test("names of others that come before PostgreSQL's own do not come before ours", async () => {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "evil");
  const url = urlOf(serverUrl, name);
  const db = new Client({ connectionString: url });
  await db.connect();
  try {
    await db.query(EVIL);
    await db.query(`alter database ${name} set search_path to evil, pg_catalog`);

    await migrate({ connectionString: url });
    const taskId = await enqueue(db);
    const pool = open(url);
    const ours = inSchema(pool, "triaged");
    const workerId = await registerWorker(ours, {
      name: "w",
      host: "h",
      pid: 1,
      queues: ["default"],
      concurrency: 1,
      leaseMs: 15_000,
      taskTypes: [{ name: "noop", maxAttempts: 3 }],
    });
    const [claimed] = await claimTasks(ours, {
      workerId,
      limit: 1,
      lanes: [{ queue: "default", taskType: "noop", priority: 2 }],
      inputBytesMax: 1_000,
    });
    expect(claimed).toMatchObject({ taskId, payloadText: "{}" });
    const outcome = { task_id: taskId, attempt: 1, outcome: "finish" };
    expect(await settleTasks(ours, { outcomes: JSON.stringify([outcome]), count: 1 })).toBe("all");
    await pool.end();

    for (const words of [["list", "--json"], ["show", taskId], ["history", taskId], ["verify"]]) {
      const { code, stdout, stderr } = await runMain(words, { databaseUrl: url });
      expect([words, code, stderr]).toEqual([words, 0, ""]);
      expect(stdout).toMatch(/finished|All holds/);
    }
    const views = await query(
      db,
      `select pg_catalog.count(*) from pg_catalog.pg_depend
       where refobjid operator(pg_catalog.=) any (array(
         select oid from pg_catalog.pg_proc where pronamespace operator(pg_catalog.=) 'evil'::pg_catalog.regnamespace
         union all
         select oid from pg_catalog.pg_operator where oprnamespace operator(pg_catalog.=) 'evil'::pg_catalog.regnamespace
       )) and deptype operator(pg_catalog.=) 'n'::pg_catalog."char" and classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass`,
    );
    expect(views).toEqual([{ count: "0" }]);
  } finally {
    await db.end();
    await dropDatabase(serverUrl, name);
  }
});

test("a login that takes on another role by itself works as that role", async ({
  url,
  connect,
}) => {
  const admin = await connect();
  const login = `triaged_role_${process.pid}`;
  await admin.query(`create role ${login} login password 'x'`);
  try {
    await admin.query(`grant triaged_owner to ${login}`);
    await admin.query(`alter role ${login} set role triaged_owner`);
    const as = new URL(url);
    as.username = login;
    as.password = "x";

    const pool = open(as.href);
    expect(await query(pool, "select current_user::text as role")).toEqual([
      { role: "triaged_owner" },
    ]);
    const client = await pool.connect();
    const taskId = await queryOne(client, "select task_id from triaged.enqueue_task('noop')");
    client.release();
    expect(await query(pool, "select actor, login from triaged.task_history")).toEqual([
      { actor: login, login },
    ]);
    expect(taskId).toEqual({ task_id: "1" });
    await pool.end();
  } finally {
    await admin.query(`drop owned by ${login}`);
    await admin.query(`drop role ${login}`);
  }
});

test("writes that somebody froze are told of as that", async ({ url, connect }) => {
  await setForDatabase(await connect(), "default_transaction_read_only to on");

  for (const words of [["enqueue", "noop"], ["migrate"]]) {
    const { code, stderr } = await runMain(words, { databaseUrl: url });
    // Where nothing is left to migrate, nothing is written.
    if (words[0] === "migrate" && code === 0) continue;
    expect(code).toBe(78);
    expect(stderr).toContain("the server is read-only");
    expect(stderr).toContain("reset default_transaction_read_only");
  }
  const { stdout } = await runMain(["doctor"], { databaseUrl: url });
  expect(stdout).toMatch(/error +settings +default_transaction_read_only is on/);
});

test.for<[string, string]>([
  ["statement_timeout", "200ms"],
  ["lock_timeout", "50ms"],
  ["idle_in_transaction_session_timeout", "500ms"],
])("the doctor tells of a short %s", async ([name, value], { url, connect }) => {
  await setForDatabase(await connect(), `${name} to '${value}'`);

  const { stdout } = await runMain(["doctor"], { databaseUrl: url });

  expect(stdout).toMatch(new RegExp(`warning +settings +${name} is ${value.replace("ms", " ms")}`));
});

import type { ClientBase } from "pg";
import { describe, expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { readSchemaLines } from "../../src/database/schema/snapshot.ts";
import { readMigrations } from "../../src/database/schema/sql-files.ts";
import { readSchemaState, refuseUnmigrated } from "../../src/database/schema/state.ts";
import { emptyDatabaseTest as test, waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { call, enqueue, query, queryOne } from "../support/tasks.ts";

const NAMES = readMigrations("triaged").map(({ name }) => name);

async function migrateTo(url: string): Promise<string[]> {
  const applied: string[] = [];
  await migrate({ connectionString: url }, { onApplied: (name) => applied.push(name) });
  return applied;
}

/** Have the database believe that its functions are those of other files. */
async function forgetFunctions(db: ClientBase): Promise<void> {
  await db.query(
    "update triaged.schema_migrations set checksum = 'older' where name = 'repeatables'",
  );
}

async function readFunctions(db: ClientBase): Promise<readonly string[]> {
  return (await readSchemaLines(inSchema(db))).functions;
}

const readState = (db: ClientBase) => readSchemaState(inSchema(db));

test("an empty database lacks every migration, and is refused by workers", async ({ db }) => {
  const state = await readState(db);

  expect(state).toMatchObject({ applied: [], pending: NAMES, unknown: [], changed: [] });
  expect(() => refuseUnmigrated(state)).toThrow(
    expect.objectContaining({ hint: "run `triaged migrate`", exitCode: 78 }),
  );
});

test("a migrated database lacks nothing, and tasks run in it", async ({ db, url }) => {
  expect(await migrateTo(url)).toEqual([...NAMES, "repeatables"]);

  const state = await readState(db);
  expect(state).toMatchObject({ pending: [], unknown: [], changed: [], repeatablesCurrent: true });
  expect(state.applied.map(({ name }) => name)).toEqual(NAMES);
  expect(() => refuseUnmigrated(state)).not.toThrow();
  await enqueue(db);
  const workers = await query(db, "select triaged.register_worker('w', '{noop}') as id");
  expect(await call(db, "claim_tasks", { worker_id: workers[0]?.["id"] })).toHaveLength(1);
});

test("rows of today and the next week lie in partitions of their day", async ({ db, url }) => {
  await migrateTo(url);

  await enqueue(db);

  expect(await query(db, "select from triaged.task_history_default")).toEqual([]);
  expect(
    await query(db, `select from pg_inherits where inhparent = 'triaged.final_tasks'::regclass`),
  ).toHaveLength(9);
});

test("a second run changes nothing", async ({ db, url }) => {
  await migrateTo(url);
  const read = () => query(db, "select * from triaged.schema_migrations order by name");
  const before = await read();

  expect(await migrateTo(url)).toEqual([]);

  expect(await read()).toEqual(before);
});

test("twenty at once apply each step once", async ({ db, url }) => {
  const applied = await Promise.all(Array.from({ length: 20 }, () => migrateTo(url)));

  expect(applied.flat().toSorted()).toEqual([...NAMES, "repeatables"].toSorted());
  expect(await readState(db)).toMatchObject({ pending: [], repeatablesCurrent: true });
});

test("functions are applied again when their files changed", async ({ db, url }) => {
  await migrateTo(url);
  await db.query("drop function triaged.why(bigint)");
  await forgetFunctions(db);
  expect(await readState(db)).toMatchObject({ repeatablesCurrent: false });

  expect(await migrateTo(url)).toEqual(["repeatables"]);

  expect(await readState(db)).toMatchObject({ repeatablesCurrent: true });
  expect(await call(db, "why", { task_id: 1 })).toHaveLength(1);
});

test("functions under the names of older versions are gone afterwards", async ({ db, url }) => {
  await migrateTo(url);
  const functions = await readFunctions(db);
  await forgetFunctions(db);
  await db.query(`
    create function triaged.ring_doorbell() returns void language sql as 'select';
    create function triaged.ring_lane(text, text, smallint) returns void language sql as 'select';
    create function triaged.dead_workers(integer) returns void language sql as 'select';
    create function triaged.claim_lane(
      bigint, integer, text, text, integer, timestamptz, bigint
    ) returns void language sql as 'select';
    drop function triaged.expire_rows(integer, integer);
    create function triaged.expire_rows(max_rows integer default 10, worker_days integer default null)
    returns table (dedupe_keys integer, triage_results integer, workers integer)
    language sql as 'select 1, 2, 3';
  `);

  await migrateTo(url);

  expect(await readFunctions(db)).toEqual(functions);
});

test("tasks and their history live through a migration", async ({ db, url }) => {
  await migrateTo(url);
  const taskId = await enqueue(db);
  await forgetFunctions(db);

  await migrateTo(url);

  expect(await query(db, "select task_id from triaged.tasks")).toEqual([{ task_id: taskId }]);
  expect(await query(db, "select event from triaged.task_history")).toEqual([{ event: "enqueue" }]);
});

test("a step that cannot get its lock makes room for others, and tries again", async ({
  db,
  other,
  url,
}) => {
  await migrateTo(url);
  await forgetFunctions(db);
  await other.query("begin");
  await enqueue(other);

  const migrating = migrateTo(`${url}?application_name=migrator`);
  const first = await waitFor(() => blockedSince(db));
  await waitFor(async () => ![null, first].includes(await blockedSince(db)));
  await other.query("commit");

  expect(await migrating).toEqual(["repeatables"]);
});

/** When the transaction of the migrator began that waits for a lock; null if none does. */
async function blockedSince(db: ClientBase): Promise<string | null> {
  const { since } = await queryOne<{ since: string | null }>(
    db,
    `select max(xact_start)::text as since from pg_stat_activity
     where application_name = 'migrator' and datname = current_database()
       and wait_event_type = 'Lock'`,
  );
  return since;
}

describe("a database that must not be touched", () => {
  test("is refused when it is newer than the code", async ({ db, url }) => {
    await migrateTo(url);
    await db.query(
      "insert into triaged.schema_migrations (name, checksum) values ('9999-from-later', 'x')",
    );

    await expect(migrateTo(url)).rejects.toMatchObject({
      name: "EnvironmentError",
      exitCode: 78,
      message: "schema triaged is newer than this version of triaged: it has 9999-from-later",
      hint: expect.stringContaining("upgrade triaged"),
    });
  });

  test("is refused when an applied file changed since", async ({ db, url }) => {
    await migrateTo(url);
    await db.query(
      "update triaged.schema_migrations set checksum = 'x' where name = '0001-create-tasks'",
    );

    await expect(migrateTo(url)).rejects.toMatchObject({
      exitCode: 78,
      message: "schema triaged was made by other files than these: 0001-create-tasks changed since",
    });
  });

  test("is refused when its server is older than 15", async ({ db }) => {
    const state = { ...(await readState(db)), serverVersion: 140_012 };

    expect(() => refuseUnmigrated(state)).toThrow(
      expect.objectContaining({
        message: "the server is PostgreSQL 14; triaged needs 15 or later",
        exitCode: 78,
      }),
    );
  });

  test("stays as it was when a migration fails half way", async ({ db, url }) => {
    await db.query("create schema triaged; create table triaged.queues ()");

    await expect(migrateTo(url)).rejects.toMatchObject({ code: "42P07" });

    expect(await readState(db)).toMatchObject({ applied: [], pending: NAMES });
    expect(await query(db, "select to_regclass('triaged.workers') as workers")).toEqual([
      { workers: null },
    ]);
  });
});

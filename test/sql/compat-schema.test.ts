// Goal: the schema for clients of the older system is made beside that of the queue where it may
// be, and nothing of others is touched; the queue works without it.

import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { expect } from "vitest";
import { ownersProbe } from "../../src/doctor/privileges.ts";
import { driftProbe } from "../../src/doctor/schema.ts";
import { emptyDatabaseTest as base } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";
import { query } from "../support/tasks.ts";

/** `role` may do nothing in the database yet. */
const test = base.extend<{ role: string }>({
  role: async ({ db }, use) => {
    const name = `triaged_test_${randomBytes(6).toString("hex")}`;
    await db.query(`create role ${name} nologin`);
    await use(name);
    await db.query(`drop owned by ${name} cascade; drop role ${name}`);
  },
});

/** Migrate, and resolve to what it warned of. */
async function warningsOf(
  url: string,
  { schema = "triaged", role }: { schema?: string; role?: string } = {},
): Promise<string[]> {
  const warnings: string[] = [];
  await migrate(
    { connectionString: url, ...(role === undefined ? {} : { options: `-c role=${role}` }) },
    { schema, onWarning: (message) => warnings.push(message) },
  );
  return warnings;
}

const relations = (db: Client, schema: string) =>
  query(
    db,
    `select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = $1 order by 1`,
    [schema],
  );

test("it is named for the schema of the queue, and speaks of no other", async ({ db, url }) => {
  await migrate({ connectionString: url }, { schema: "work_queue" });

  await db.query("set search_path to work_queue_compat");
  await db.query(
    `insert into tasks (task_id, task_type, status, result) values ('x', 'noop', 'finished', '1')`,
  );

  expect(await query(db, "select task_id, status from tasks")).toEqual([
    { task_id: "x", status: "finished" },
  ]);
  expect(
    await query(
      db,
      `select proname from pg_proc where pronamespace = 'work_queue_compat'::regnamespace
         and prosrc ~ 'triaged'
       union all
       select viewname from pg_views where schemaname = 'work_queue_compat'
         and definition ~ 'triaged'`,
    ),
  ).toEqual([]);
  expect(await findingsOf(url, driftProbe, { schema: "work_queue" })).toMatchObject([
    { level: "ok" },
  ]);
});

test.for([
  ["create schema triaged_compat authorization $role", "it belongs to $role"],
  [
    "create schema triaged_compat; grant create on schema triaged_compat to $role",
    "whoever may create in it is $role",
  ],
  [
    "create schema triaged_compat; create table triaged_compat.tasks (); alter table triaged_compat.tasks owner to $role",
    "its tasks belongs to $role",
  ],
] as const)(
  "%s: migrate refuses it, as it does the queue's own",
  async ([claim, finding], { db, url, role }) => {
    await db.query(claim.replaceAll("$role", role));
    const before = await relations(db, "triaged_compat");

    await expect(migrate({ connectionString: url })).rejects.toMatchObject({
      message: expect.stringContaining(
        `schema triaged_compat is not ours alone: ${finding.replaceAll("$role", role)}`,
      ),
      exitCode: 78,
    });

    expect(await relations(db, "triaged_compat")).toEqual(before);
  },
);

test("a role that may create in it later is found by the doctor", async ({ db, url, role }) => {
  await migrate({ connectionString: url });
  await db.query(`grant create on schema triaged_compat to ${role}`);

  expect(await findingsOf(url, ownersProbe)).toContainEqual(
    expect.objectContaining({
      level: "error",
      found: `schema triaged_compat is not ours alone: whoever may create in it is ${role}`,
    }),
  );
});

test("a schema of that name that holds something else is left alone, and told of", async ({
  db,
  url,
}) => {
  await db.query("create schema triaged_compat; create table triaged_compat.tasks (mine text)");

  const first = await warningsOf(url);
  const again = await warningsOf(url);

  expect(first).toEqual([
    "clients of the older system have no schema triaged_compat: it holds what triaged did not " +
      "make; rename that schema, then: triaged migrate",
  ]);
  expect(again).toEqual(first);
  expect(await relations(db, "triaged_compat")).toEqual([{ name: "tasks" }]);
  expect(await query(db, "select from triaged.tasks")).toEqual([]);
  expect(await findingsOf(url, driftProbe)).toMatchObject([
    { level: "ok" },
    { level: "warning", found: expect.stringContaining("it holds what triaged did not make") },
  ]);

  await db.query("alter schema triaged_compat rename to theirs");

  expect(await warningsOf(url)).toEqual([]);
  expect(await query(db, "select from triaged_compat.tasks")).toEqual([]);
  expect(await query(db, "select mine from theirs.tasks")).toEqual([]);
  expect(await findingsOf(url, driftProbe)).toMatchObject([{ level: "ok" }]);
});

test("a role that may not create schemas migrates without it, until an administrator has made it", async ({
  db,
  url,
  role,
}) => {
  await db.query(`create schema triaged authorization ${role}`);

  expect(await warningsOf(url, { role })).toEqual([
    expect.stringContaining("have no schema triaged_compat: it is not there"),
  ]);
  expect(await query(db, "select from triaged.tasks")).toEqual([]);

  await db.query(`create schema triaged_compat authorization ${role}`);

  expect(await warningsOf(url, { role })).toEqual([]);
  expect(await query(db, "select from triaged_compat.tasks")).toEqual([]);
});

test.for([
  { length: 56, made: true },
  { length: 57, made: false },
  { length: 63, made: false },
])(
  "a queue in a schema of $length characters has one: $made",
  async ({ length, made }, { db, url }) => {
    const schema = "q".repeat(length);

    const warnings = await warningsOf(url, { schema });

    expect(warnings).toEqual(
      made ? [] : [expect.stringContaining("its name would have more than 63 bytes")],
    );
    expect(
      await query(db, "select nspname from pg_namespace where nspname like 'qqq%' order by 1"),
    ).toHaveLength(made ? 2 : 1);
    expect(await query(db, `select from ${schema}.tasks`)).toEqual([]);
    expect(await findingsOf(url, driftProbe, { schema })).toMatchObject(
      made ? [{ level: "ok" }] : [{ level: "ok" }, { level: "warning" }],
    );
  },
);

test("a queue cannot be made where another one has its views", async ({ db, url }) => {
  await migrate({ connectionString: url });

  await expect(
    migrate({ connectionString: url }, { schema: "triaged_compat" }),
  ).rejects.toMatchObject({
    message: "schema triaged_compat is the compatibility schema of another queue",
    exitCode: 78,
  });
  expect(await query(db, "select to_regclass('triaged_compat.live_tasks') as made")).toEqual([
    { made: null },
  ]);
});

test.for([
  ["drop view triaged_compat.task_history", "columns missing: triaged_compat.task_history.id"],
  ["drop trigger tasks_insert on triaged_compat.tasks", "triggers missing: tasks_insert"],
  [
    "create or replace view triaged_compat.repositories as select id, repo_name, repo_type, '{}'::jsonb as metadata, created_at, updated_at from triaged.repositories",
    "views changed: triaged_compat.repositories",
  ],
  [
    "create or replace function triaged_compat.cleanup_old_tasks() returns void language sql set search_path to pg_catalog, pg_temp as ''",
    "functions changed: triaged_compat.cleanup_old_tasks",
  ],
  ["create table triaged_compat.mine (a int)", "columns not ours: triaged_compat.mine.a"],
] as const)("after %s the doctor finds drift", async ([statement, found], { db, url }) => {
  await migrate({ connectionString: url });

  await db.query(statement);

  expect(await findingsOf(url, driftProbe)).toContainEqual(
    expect.objectContaining({ found: expect.stringContaining(found) }),
  );
});

test("its functions are for the roles that may call what they call", async ({ db, url }) => {
  await migrate({ connectionString: url });

  expect(
    await query(
      db,
      `select proname as name, array_agg(role order by role) as roles
       from pg_proc
       cross join unnest('{triaged_api, triaged_owner, triaged_readonly}'::text[]) as role
       where pronamespace = 'triaged_compat'::regnamespace
         and has_function_privilege(role, pg_proc.oid, 'execute')
       group by 1 order by 1`,
    ),
  ).toEqual([
    { name: "cleanup_old_tasks", roles: ["triaged_owner"] },
    { name: "get_next_task", roles: ["triaged_api", "triaged_owner"] },
    { name: "update_task_status", roles: ["triaged_api", "triaged_owner"] },
  ]);
});

test("nobody but our roles may look at it", async ({ db, url, role }) => {
  await migrate({ connectionString: url });

  expect(
    await query(
      db,
      `select has_schema_privilege($1, 'triaged_compat', 'usage') as schema,
         has_table_privilege($1, 'triaged_compat.tasks', 'select') as view,
         has_function_privilege($1, 'triaged_compat.get_next_task(varchar)', 'execute') as call`,
      [role],
    ),
  ).toEqual([{ schema: false, view: false, call: false }]);
});

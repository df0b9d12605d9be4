import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema, withSchema } from "../../src/database/database.ts";
import { readSchemaState } from "../../src/database/schema/state.ts";
import { emptyDatabaseTest as test } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { query } from "../support/tasks.ts";

/** Take a task through its life in a schema, by statements as the code writes them. */
async function finishOneTask(db: Client, schema: string): Promise<unknown> {
  const queue = inSchema(db, schema);
  await queue.query({ text: "select triaged.enqueue_task('noop')" });
  const [claimed] = await queue.query<{ task_id: string }>({
    text: "select task_id from triaged.claim_tasks(triaged.register_worker('w', '{noop}'))",
  });
  return await queue.query({
    text: `select status from triaged.settle_tasks(jsonb_build_array(
      jsonb_build_object('task_id', $1::bigint, 'attempt', 1, 'outcome', 'finish')))`,
    values: [claimed?.task_id],
  });
}

test("a queue lives in a schema of any name", async ({ db, url }) => {
  await migrate({ connectionString: url }, { schema: "work_queue" });

  expect(await finishOneTask(db, "work_queue")).toEqual([{ status: "finished" }]);

  expect(
    await query(db, "select event, actor from work_queue.task_history order by history_id"),
  ).toMatchObject([{ event: "enqueue" }, { event: "claim", actor: "worker" }, { event: "finish" }]);
  expect(await query(db, "select to_regnamespace('triaged') as schema")).toEqual([
    { schema: null },
  ]);
  expect(await readSchemaState(inSchema(db, "work_queue"))).toMatchObject({
    pending: [],
    repeatablesCurrent: true,
  });
});

test("nothing of a schema with another name speaks of triaged", async ({ db, url }) => {
  await migrate({ connectionString: url }, { schema: "work_queue" });

  const leftovers = await query(
    db,
    `select proname as name from pg_proc
     where pronamespace = 'work_queue'::regnamespace
       and (prosrc ~ '\\mtriaged\\.' or array_to_string(proconfig, ' ') ~ '\\mtriaged\\.')
     union all
     select viewname from pg_views where schemaname = 'work_queue' and definition ~ '\\mtriaged\\.'`,
  );

  expect(leftovers).toEqual([]);
});

test("two queues in one database know nothing of each other", async ({ db, url }) => {
  for (const schema of ["first_queue", "second_queue"]) {
    await migrate({ connectionString: url }, { schema });
  }

  await finishOneTask(db, "first_queue");
  await db.query("select second_queue.pause_queue('default')");

  expect(await query(db, "select from first_queue.tasks")).toHaveLength(1);
  expect(await query(db, "select from second_queue.tasks")).toEqual([]);
  expect(await query(db, "select from first_queue.queues")).toEqual([]);
  expect(
    await query(
      db,
      "select first_queue.lock_key('worker', 1) = second_queue.lock_key('worker', 1) as shared",
    ),
  ).toEqual([{ shared: false }]);
});

test("the schema's name is replaced where it is a name, not where it is a word", () => {
  const text =
    "create schema triaged; select triaged.now(), 'triaged_owner', 'untriaged.x' -- triaged";

  expect(withSchema(text, "other")).toBe(
    "create schema other; select other.now(), 'triaged_owner', 'untriaged.x' -- triaged",
  );
});

test("a role without CREATEROLE migrates a database of its own", async ({ db, url }) => {
  const role = `triaged_test_${randomBytes(6).toString("hex")}`;
  await db.query(`create role ${role} nologin`);
  await db.query(
    `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`,
  );
  const warnings: string[] = [];

  await migrate(
    { connectionString: url, options: `-c role=${role}` },
    { onWarning: (message) => warnings.push(message) },
  );

  expect(await finishOneTask(db, "triaged")).toEqual([{ status: "finished" }]);
  // The roles are the server's, and another database has made them.
  expect(warnings).toEqual([]);
  await db.query(`drop owned by ${role} cascade; drop role ${role}`);
});

test("a role without rights on the database is told so", async ({ db, url }) => {
  const role = `triaged_test_${randomBytes(6).toString("hex")}`;
  await db.query(`create role ${role} nologin`);

  const migrating = migrate({ connectionString: url, options: `-c role=${role}` });

  await expect(migrating).rejects.toMatchObject({ code: "42501" });
  await db.query(`drop role ${role}`);
});

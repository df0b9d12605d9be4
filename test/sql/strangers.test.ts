// Goal: what a stranger left where the queue lives, or where it calls others, is not run by us.
// Method: a role without rights owns a schema, or a thing in it, before we come. A table of its
// own tells who ran its code.

import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { readJobRuns } from "../../src/database/graphile-tables.ts";
import { ownersProbe } from "../../src/doctor/privileges.ts";
import { emptyDatabaseTest as base } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";
import { startJobs } from "../support/jobs.ts";
import { outcomeOf, query, settle, startTask } from "../support/tasks.ts";

/** `stranger` is a role that may make schemas, and has made one in which its canary sits. */
const test = base.extend<{ stranger: string }>({
  stranger: async ({ db }, use) => {
    const name = `triaged_test_${randomBytes(6).toString("hex")}`;
    await db.query(`create role ${name} nologin`);
    await db.query(
      `do $$ begin execute format('grant create on database %I to ${name}', current_database()); end $$`,
    );
    await as(
      db,
      name,
      `create schema lair;
       grant usage on schema lair to public;
       create table lair.canary (ran_as text);
       grant insert on lair.canary to public;
       create function lair.sing() returns text language plpgsql as $$
         begin insert into lair.canary values (current_user); return 'sung'; end $$;`,
    );
    await use(name);
    await db.query(`drop owned by ${name} cascade; drop role ${name}`);
  },
});

async function as(db: Client, role: string, statements: string): Promise<void> {
  await db.query(`set role ${role}`);
  await db.query(statements);
  await db.query("reset role");
}

const heard = (db: Client) => query(db, "select ran_as from lair.canary");

const CLAIMED: readonly (readonly [string, string])[] = [
  ["it belongs to $stranger", "$as create schema triaged"],
  [
    "whoever may create in it is $stranger",
    "create schema triaged; grant create on schema triaged to $stranger",
  ],
  [
    "whoever may create in it is everybody",
    "create schema triaged; grant create on schema triaged to public",
  ],
  [
    "its schema_migrations belongs to $stranger",
    `create schema triaged; create view triaged.schema_migrations as
       select lair.sing() as name, lair.sing() as checksum, now() as applied_at;
     alter view triaged.schema_migrations owner to $stranger`,
  ],
  [
    "its function now belongs to $stranger",
    `create schema triaged; create function triaged.now() returns timestamptz language plpgsql as
       'begin perform lair.sing(); return now(); end';
     alter function triaged.now() owner to $stranger`,
  ],
  [
    "its type priority belongs to $stranger",
    "create schema triaged; create domain triaged.priority as text; alter domain triaged.priority owner to $stranger",
  ],
];

test.for(CLAIMED)(
  "migrate refuses a schema of which %s",
  async ([finding, claim], { db, url, stranger }) => {
    const statements = claim.replaceAll("$stranger", stranger);
    if (statements.startsWith("$as ")) {
      await as(db, stranger, statements.slice("$as ".length));
    } else {
      await db.query(statements);
    }

    await expect(migrate({ connectionString: url })).rejects.toMatchObject({
      message: expect.stringContaining(finding.replaceAll("$stranger", stranger)),
      hint: expect.stringContaining("run with your rights"),
      exitCode: 78,
    });
    expect(await heard(db)).toEqual([]);
  },
);

test("migrate refuses a view of a stranger in the stranger's own schema, unread", async ({
  db,
  url,
  stranger,
}) => {
  await as(
    db,
    stranger,
    `create schema triaged; create view triaged.schema_migrations as
       select lair.sing() as name, lair.sing() as checksum, now() as applied_at;
     grant usage on schema triaged to public; grant select on triaged.schema_migrations to public`,
  );

  await expect(migrate({ connectionString: url })).rejects.toMatchObject({ exitCode: 78 });
  expect(await heard(db)).toEqual([]);
});

test("migrate takes a schema that an administrator made for its user", async ({
  db,
  url,
  stranger: user,
}) => {
  await db.query(`create schema triaged authorization ${user}`);

  await migrate({ connectionString: url, options: `-c role=${user}` });

  expect(await query(db, "select from triaged.tasks")).toEqual([]);
});

test("migrate takes a schema of a superuser in which its user may create", async ({
  db,
  url,
  stranger: user,
}) => {
  await db.query(`create schema triaged; grant create, usage on schema triaged to ${user}`);

  await migrate({ connectionString: url, options: `-c role=${user}` });

  expect(await query(db, "select from triaged.tasks")).toEqual([]);
});

test("functions of a stranger in the search path do not come into our views", async ({
  db,
  url,
  stranger,
}) => {
  await db.query("create schema if not exists public; grant create on schema public to public");
  await as(
    db,
    stranger,
    `create function public.jsonb_build_object(text, text, text, jsonb, text, jsonb, text, jsonb,
       text, jsonb, text, jsonb, text, jsonb, text, jsonb) returns jsonb language plpgsql as
         'begin perform lair.sing(); return ''{}''; end';
     create function public.count() returns bigint language plpgsql as
       'begin perform lair.sing(); return 1; end';`,
  );

  await migrate({ connectionString: url });
  await query(db, "select triaged.save_relationship('a/b', 'c/d', 'api_consumer')");
  await query(db, "select * from triaged.relationships, triaged.queue_depth");

  expect(await heard(db)).toEqual([]);
  expect(
    await query(
      db,
      `select distinct refobjid::regproc from pg_depend
       where classid = 'pg_rewrite'::regclass and refclassid = 'pg_proc'::regclass
         and refobjid in (select oid from pg_proc where pronamespace = 'public'::regnamespace)`,
    ),
  ).toEqual([]);
});

const ADD_JOB = `
  create function graphile_worker.add_job(
    identifier text, payload json default null, queue_name text default null,
    run_at timestamptz default null, max_attempts integer default null,
    job_key text default null, priority integer default null, flags text[] default null,
    job_key_mode text default null
  ) returns text language plpgsql as 'begin return lair.sing(); end'`;

/** Enqueue, claim and settle a task with an effect. */
async function settleWithEffect(db: Client): Promise<void> {
  const task = await startTask(db);
  await query(db, "select * from triaged.settle_tasks_with_effects($1, $2)", [
    JSON.stringify([outcomeOf(task, "finish")]),
    JSON.stringify([{ task_id: task.task_id, attempt: 1, kind: "webhook", key: "k", payload: {} }]),
  ]);
  await query(db, "update triaged.effects set status = 'failed'");
  await query(db, "select triaged.retry_effect(effect_id) from triaged.effects");
}

const SQUATTED: readonly (readonly [string, string])[] = [
  ["a schema", `create schema graphile_worker; ${ADD_JOB};`],
  [
    "the function alone",
    `reset role; create schema graphile_worker; ${ADD_JOB};
     alter function graphile_worker.add_job owner to $stranger;
     grant usage on schema graphile_worker to public`,
  ],
  [
    "a table beside a function of ours",
    `reset role; create schema graphile_worker; ${ADD_JOB};
     create table graphile_worker._private_jobs ();
     alter table graphile_worker._private_jobs owner to $stranger`,
  ],
  [
    "the right to create beside a function of ours",
    `reset role; create schema graphile_worker; ${ADD_JOB};
     grant create on schema graphile_worker to $stranger`,
  ],
];

test.for(SQUATTED)(
  "no settle calls jobs of a stranger who has %s",
  async ([, claim], { db, url, stranger }) => {
    await migrate({ connectionString: url });
    await as(db, stranger, claim.replaceAll("$stranger", stranger));

    await settleWithEffect(db);

    expect(await heard(db)).toEqual([]);
    expect(await query(db, "select status from triaged.effects")).toEqual([{ status: "pending" }]);
  },
);

test("a settle calls jobs that are all ours", async ({ db, url, stranger }) => {
  expect(stranger).not.toBe("");
  await migrate({ connectionString: url });
  await db.query(`create schema graphile_worker; ${ADD_JOB}`);

  await settleWithEffect(db);

  expect(await heard(db)).toHaveLength(2);
});

test("the jobs refuse a schema that a stranger made for them, and doctor tells of it", async ({
  db,
  url,
  stranger,
}) => {
  await migrate({ connectionString: url });
  await as(
    db,
    stranger,
    `create schema graphile_worker; ${ADD_JOB};
     create view graphile_worker._private_known_crontabs as
       select lair.sing() as identifier, now() as known_since, now() as last_execution;
     create view graphile_worker.jobs as select lair.sing() as task_identifier,
       lair.sing() as last_error, 1 as attempts, lair.sing() as locked_by;
     create view graphile_worker.migrations as select 1 as id, lair.sing() as ts;
     grant usage on schema graphile_worker to public;
     grant select on all tables in schema graphile_worker to public`,
  );

  await using jobs = startJobs(url);
  await expect(jobs.ended).rejects.toMatchObject({
    message: expect.stringContaining(
      `schema graphile_worker is not ours alone: it belongs to ${stranger}; its `,
    ),
    exitCode: 78,
  });
  expect(await readJobRuns(inSchema(db))).toMatchObject({ schema: "graphile_worker" });
  expect(await heard(db)).toEqual([]);
});

test("doctor tells of a stranger in the queue's schema, and of one who gives its roles away", async ({
  db,
  url,
  stranger,
}) => {
  await migrate({ connectionString: url });
  const before = await findingsOf(url, ownersProbe);
  await db.query(`grant create on schema triaged to ${stranger}`);
  await db.query(`grant triaged_readonly to ${stranger} with admin option`);

  const after = await findingsOf(url, ownersProbe);

  expect(before.map(({ level }) => level)).not.toContain("error");
  expect(after).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        level: "error",
        found: `schema triaged is not ours alone: whoever may create in it is ${stranger}`,
      }),
      expect.objectContaining({
        level: "warning",
        found: `${stranger} may give triaged_readonly to anybody`,
      }),
    ]),
  );
});

test("a settle without effects looks at no jobs", async ({ db, url, stranger }) => {
  await migrate({ connectionString: url });
  await as(db, stranger, `create schema graphile_worker; ${ADD_JOB}`);

  const task = await startTask(db);

  expect(await settle(db, [outcomeOf(task, "finish")])).toHaveLength(1);
  expect(await heard(db)).toEqual([]);
});

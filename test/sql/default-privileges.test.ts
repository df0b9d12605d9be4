// Goal: whatever a platform gives to its roles by default, or hides by row security, only our
// roles have rights in the schema, in partitions to come as well, and the queue sees its rows.
// Method: a database of a login that is no superuser, set up as platforms do before, or beside,
// a migration. The rights of all others are read from the catalog.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { mergePartitions } from "../../src/database/retention.ts";
import { privilegesProbe } from "../../src/doctor/privileges.ts";
import { findingsOf } from "../support/doctor.ts";
import { startedJobs } from "../support/jobs.ts";
import { all, EVERYTHING, finishTask, HIDDEN, test } from "../support/owned-databases.ts";
import { query } from "../support/tasks.ts";

/** An event trigger, as platforms have one that sees to row security. */
const sees = (statement: string) => `
  create function public.see_to() returns event_trigger language plpgsql as $f$
    declare v_made record;
    begin
      for v_made in select * from pg_event_trigger_ddl_commands()
        where command_tag = 'CREATE TABLE' and object_type = 'table'
      loop
        execute format('${statement}', v_made.object_identity);
      end loop;
    end $f$;
  create event trigger see_to_rows on ddl_command_end when tag in ('CREATE TABLE')
    execute function public.see_to()`;
const rowSecurity = (how: string, more = "") =>
  sees(`alter table %1$s ${how}${more.replaceAll("'", "''")}`);

const SETUPS: readonly (readonly [
  name: string,
  statements: string,
  as: "owner" | "administrator",
])[] = [
  ["everything, to a role, everywhere", all(""), "owner"],
  ["the schema too", `${all("")}; alter default privileges grant all on schemas to $anon`, "owner"],
  [
    "usage of the schema, and reading",
    `alter default privileges grant usage on schemas to $anon;
       alter default privileges grant select on tables to $anon`,
    "owner",
  ],
  [
    "everything in the schema, which is there before",
    `create schema triaged; ${all("in schema triaged")}`,
    "owner",
  ],
  ["everything, by an administrator", all("for role $owner"), "administrator"],
  [
    "with the right to give it on",
    "alter default privileges grant all on tables to $anon with grant option",
    "owner",
  ],
  [
    "everything, to everybody",
    EVERYTHING.map((kind) => `alter default privileges grant all on ${kind} to public`).join(";"),
    "owner",
  ],
  [
    "nothing to the owner itself",
    [...EVERYTHING, "schemas"]
      .map((kind) => `alter default privileges revoke all on ${kind} from $owner`)
      .join(";"),
    "owner",
  ],
  [
    "execution to nobody",
    "alter default privileges revoke execute on functions from public",
    "owner",
  ],
  ["row security on each table", rowSecurity("enable row level security"), "administrator"],
  [
    "row security that is forced",
    rowSecurity("enable row level security, force row level security"),
    "administrator",
  ],
  [
    "row security with a policy",
    rowSecurity(
      "enable row level security, force row level security",
      "; create policy hide on %1$s using (false)",
    ),
    "administrator",
  ],
  [
    "rights and row security",
    `${all("for role $owner")}; ${rowSecurity("force row level security, enable row level security")}`,
    "administrator",
  ],
];

test.for(SETUPS)(
  "a queue is its own where a platform gives %s",
  { timeout: 60_000 },
  async ([, statements, as], { platform }) => {
    const { owner, arrange, others } = platform;
    await arrange(statements, as);

    const warnings = await platform.migrate();

    expect(warnings).toEqual([]);
    expect(await others()).toEqual([]);
    expect(await query(owner, HIDDEN)).toEqual([]);
    await finishTask(owner);
    // Partitions to come are made under the same defaults.
    await query(owner, "select triaged.create_partition('task_history', '2031-01-01')");
    await query(owner, "select triaged.create_partitions(30)");
    expect(await others()).toEqual([]);
    expect(await query(owner, HIDDEN)).toEqual([]);
    expect(await query(owner, "select from triaged.task_history")).toHaveLength(3);
    expect(await findingsOf(platform.url, privilegesProbe, { rolePrefix: null })).toMatchObject([
      { level: "ok", subject: "roles" },
      { level: "ok", subject: "grants" },
    ]);
  },
);

test("the jobs have a schema of their own under such defaults, and start in it again", {
  timeout: 60_000,
}, async ({ platform: { arrange, administrator, url, migrate: settleAll, name } }) => {
  await settleAll();
  await arrange(
    `${all("for role $owner")};
     alter default privileges for role $owner grant all on schemas to $anon;
     ${rowSecurity("enable row level security")}`,
    "administrator",
  );

  for (const start of ["first", "second"]) {
    await using jobs = await startedJobs(url);
    jobs.stop();
    expect(await jobs.ended.then(() => start)).toBe(start);
  }

  expect(
    await query(
      administrator,
      `select relname from pg_class
       where relnamespace = 'graphile_worker'::regnamespace and relacl::text ~ $1
       union all
       select nspname from pg_namespace where nspname = 'graphile_worker' and nspacl::text ~ $1`,
      [name("anon")],
    ),
  ).toEqual([]);
});

test("copies of a merge are the owner's alone, and lose no row, under such defaults", async ({
  platform: { arrange, owner, migrate: settleAll, others },
}) => {
  await settleAll();
  await arrange(
    `${all("for role $owner")}; ${rowSecurity("enable row level security, force row level security")}`,
    "administrator",
  );
  // Rows of a day that is over lie in the default partition.
  await owner.query("begin; set local triaged.fake_now to '2020-01-15 12:00Z'");
  await finishTask(owner);
  await owner.query("commit");
  const count = () => query(owner, "select from triaged.task_history");
  expect(await count()).toHaveLength(3);

  const steps: string[] = [];
  const db = inSchema(owner);
  await owner.query(`select triaged.save_setting('task_retention_days', '0'),
                            triaged.save_setting('history_retention_days', '0')`);
  for (;;) {
    const did = await mergePartitions(db);
    if (did === null || steps.length > 50) {
      break;
    }
    steps.push(did.step);
    // Half way, too.
    expect(await others()).toEqual([]);
  }

  expect(steps).toContain("swapped");
  expect(await count()).toHaveLength(3);
  expect(await query(owner, "select from triaged.task_history_default")).toEqual([]);
  expect(await query(owner, HIDDEN)).toEqual([]);
});

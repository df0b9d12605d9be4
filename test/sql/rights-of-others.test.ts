// Goal: rights that others were granted later, and row security, are named by the doctor, and a
// migration ends what harms and leaves what somebody may have meant.
// Method: statements as people and platforms run them, in a migrated database of a login that is
// no superuser.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { mergePartitions } from "../../src/database/retention.ts";
import { privilegesProbe } from "../../src/doctor/privileges.ts";
import { found } from "../support/connections.ts";
import { findingsOf } from "../support/doctor.ts";
import { all, finishTask, HIDDEN, rightsOf, sharedTest, test } from "../support/owned-databases.ts";
import { call, query } from "../support/tasks.ts";

/** What was granted by hand later; what is left after the next migration. */
const LATER: readonly (readonly [grant: string, left: readonly string[]])[] = [
  ["grant select on triaged.tasks to $metabase", ["select tasks"]],
  [
    "grant usage on schema triaged to $metabase; grant select on triaged.tasks to $metabase",
    ["select tasks", "usage triaged"],
  ],
  [
    "grant select (task_id, status) on triaged.tasks to $metabase",
    ["select tasks.status", "select tasks.task_id"],
  ],
  [
    "grant execute on function triaged.enqueue_plain_task to $metabase",
    ["execute enqueue_plain_task"],
  ],
  [
    "grant execute on function triaged.drop_expired_partitions to $metabase",
    ["execute drop_expired_partitions"],
  ],
  ["grant insert on triaged.tasks to $metabase", ["insert tasks"]],
  ["grant update (priority) on triaged.tasks to $metabase", ["update tasks.priority"]],
  ["grant insert on triaged.live_tasks to $metabase", []],
  ["grant update (status) on triaged.live_tasks to $metabase", []],
  ["grant references, trigger on triaged.task_history to $metabase", []],
  ["grant select on triaged.push_configs to $metabase", []],
  ["grant select (url) on triaged.push_configs to $metabase", []],
  ["grant select, delete on triaged.tasks to $metabase", ["select tasks"]],
  ["grant truncate on triaged.task_history_default to $metabase", []],
  ["grant usage, update on sequence triaged.live_tasks_task_id_seq to $metabase", []],
  ["grant execute on function triaged.add_tasks to $metabase", []],
  ["grant execute on function triaged.swap_partitions to $metabase", []],
  ["grant select on triaged.tasks to public", []],
  ["grant execute on all functions in schema triaged to public", []],
  ["grant usage on schema triaged to public", []],
];

sharedTest.for(LATER)(
  "a migration after «%s» leaves of that %o",
  async ([grant, left], { shared }) => {
    const { administrator, arrange, name } = shared;
    await arrange(grant);

    const findings = await findingsOf(shared.url, privilegesProbe, { rolePrefix: null });
    const warnings = await shared.migrate();

    const grantee = grant.endsWith("public") ? "public" : name("metabase");
    expect(await rightsOf(administrator, grantee)).toEqual(left);
    expect(warnings.every((warning) => warning.includes(` of ${grantee}`))).toBe(true);
    // The doctor named it before, in the tone that the migration took.
    const notOurs = findings.filter(({ level }) => level !== "ok");
    expect(notOurs.every(({ found: said }) => said.endsWith(` of ${grantee}`))).toBe(true);
    expect(notOurs.map(({ level }) => level)).toEqual(
      expect.arrayContaining([
        ...(warnings.length > 0 ? ["error"] : []),
        ...(left.length > 0 ? ["warning"] : []),
      ]),
    );
    expect(await shared.migrate()).toEqual([]);
  },
);

test("the doctor's advice takes each right away that is not ours", async ({ platform }) => {
  await platform.migrate();
  for (const [grant] of LATER) {
    await platform.arrange(grant);
  }
  await platform.arrange(
    `grant all on all tables in schema triaged to $anon;
     grant all on all functions in schema triaged to $anon;
     grant all on all sequences in schema triaged to $anon`,
  );
  const judged = async () =>
    (await findingsOf(platform.url, privilegesProbe, { rolePrefix: null })).filter(
      ({ subject }) => subject === "grants",
    );

  const before = await judged();
  for (const { advice } of before) {
    await platform.owner.query(found(advice).replace(/^.*?: revoke/, "revoke"));
  }

  expect(before.length).toBeGreaterThan(5);
  expect(await judged()).toMatchObject([{ level: "ok" }]);
  expect(await platform.others()).toEqual([]);
});

test("rights on all that there is go, but to read what nobody hides", async ({ platform }) => {
  await platform.migrate();
  await platform.arrange(
    `grant all on all tables in schema triaged to $anon;
     grant all on all functions in schema triaged to $anon;
     grant all on all sequences in schema triaged to $anon`,
  );

  await platform.migrate();

  const rights = await rightsOf(platform.administrator, platform.name("anon"));
  expect(rights).toContain("select tasks");
  expect(rights).not.toContain("select push_configs");
  expect(
    rights.filter((right) => /^(?!select|execute|insert (triage_)?tasks)/.test(right)),
  ).toEqual([]);
  expect(rights.filter((right) => right.includes("add_tasks"))).toEqual([]);
});

test("rights that default privileges would give are nobody's purpose, unless they are to read", async ({
  platform: { arrange, administrator, name, migrate: settleAll },
}) => {
  await settleAll();
  // As a queue has them that was made before it was closed to them.
  await arrange(
    `${all("")}; grant all on all tables in schema triaged to $anon;
     grant all on all functions in schema triaged to $anon; grant usage on schema triaged to $anon;
     alter default privileges grant usage on schemas to $anon, $metabase;
     alter default privileges in schema triaged grant select on tables to $metabase;
     grant usage on schema triaged to $metabase;
     grant select on triaged.tasks, triaged.push_configs to $metabase`,
  );

  const warnings = await settleAll();

  expect(await rightsOf(administrator, name("anon"))).toEqual([]);
  expect(await rightsOf(administrator, name("metabase"))).toEqual([
    "select tasks",
    "usage triaged",
  ]);
  expect(warnings.join("\n")).toContain(`select on triaged.push_configs of ${name("metabase")}`);
});

test("a right that was given on goes with that of who gave it", async ({
  platform: { arrange, administrator, name, migrate: settleAll },
}) => {
  await settleAll();
  await arrange("grant usage on schema triaged to $metabase, $anon");
  await arrange(
    `grant delete on triaged.live_tasks to $metabase with grant option;
     set role $metabase; grant delete on triaged.live_tasks to $anon; reset role`,
    "administrator",
  );

  await settleAll();

  expect(await rightsOf(administrator, name("metabase"))).toEqual(["usage triaged"]);
  expect(await rightsOf(administrator, name("anon"))).toEqual(["usage triaged"]);
});

test("a right on what is not ours stays as it is", async ({
  platform: { arrange, administrator, name, migrate: settleAll },
}) => {
  await settleAll();
  await arrange(
    `create table triaged.app_orders (id bigserial primary key) ;
     create function triaged.app_total() returns integer language sql return 1;
     grant all on triaged.app_orders, triaged.app_orders_id_seq to $anon;
     grant execute on function triaged.app_total() to $anon;
     alter table triaged.app_orders enable row level security, force row level security`,
  );

  const warnings = await settleAll();

  expect(warnings).toEqual([]);
  expect(await rightsOf(administrator, name("anon"))).toContain("insert app_orders");
  expect(await query(administrator, HIDDEN)).toEqual([{ relname: "app_orders" }]);
});

/** Row security of later, and whether the next migration ends it. */
const HIDING: readonly (readonly [statements: string, level: string, stays: boolean])[] = [
  ["alter table $table enable row level security", "error", false],
  ["alter table $table enable row level security, force row level security", "error", false],
  [
    "alter table $table enable row level security; create policy hide on $table using (false)",
    "warning",
    true,
  ],
  [
    `alter table $table enable row level security, force row level security;
     create policy hide on $table using (false)`,
    "error",
    true,
  ],
];

test.for(HIDING)(
  "«%s» is named, and never hides rows from the queue",
  async ([statements, level, stays], { platform }) => {
    const { owner, administrator, url } = platform;
    await platform.migrate();
    await finishTask(owner);
    const tables = ["live_tasks", "final_tasks", "task_history", "schema_migrations", "workers"];
    for (const table of tables) {
      await owner.query(statements.replaceAll("$table", `triaged.${table}`));
    }

    const findings = await findingsOf(url, privilegesProbe, { rolePrefix: null });
    const warnings = await platform.migrate();

    expect(
      findings.filter(({ subject }) => subject === "row security").map((finding) => finding.level),
    ).toEqual(tables.map(() => level));
    // The migrations themselves are readable before anything is said.
    expect(warnings).toHaveLength(level === "error" ? tables.length - 1 : 0);
    expect(await query(administrator, HIDDEN)).toHaveLength(stays ? tables.length : 0);
    await finishTask(owner);
    expect(await query(owner, "select from triaged.final_tasks")).toHaveLength(2);
    expect(await query(owner, "select from triaged.task_history")).toHaveLength(6);
  },
);

test("rows that are hidden from the owner are not dropped by a merge", async ({ platform }) => {
  const { owner, administrator } = platform;
  await platform.migrate();
  await owner.query("begin; set local triaged.fake_now to '2020-01-15 12:00Z'");
  await query(owner, "select triaged.create_partition('task_history', '2020-01-15')");
  await query(owner, "select triaged.create_partition('task_history', '2020-01-16')");
  await finishTask(owner);
  await owner.query("commit");
  const partitions = await query<{ name: string }>(
    owner,
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'triaged.task_history'::regclass`,
  );
  for (const { name } of partitions) {
    await owner.query(`alter table ${name} enable row level security, force row level security`);
  }

  const db = inSchema(owner);
  await owner.query(`select triaged.save_setting('task_retention_days', '0'),
                            triaged.save_setting('history_retention_days', '0')`);
  const merging = async () => {
    for (let step = 0; step < 50; step += 1) {
      if ((await mergePartitions(db)) === null) {
        return;
      }
    }
  };

  await expect(merging()).rejects.toMatchObject({ code: "42501" });
  expect(await query(administrator, "select from triaged.task_history")).toHaveLength(3);
});

test("an owner who may not use his own tables is given his rights back", async ({ platform }) => {
  await platform.migrate();
  await platform.arrange(
    `revoke all on all tables in schema triaged from $owner;
     revoke all on schema triaged from $owner; grant usage on schema triaged to $owner`,
  );

  const findings = await findingsOf(platform.url, privilegesProbe, { rolePrefix: null });
  await platform.migrate();

  expect(findings).toContainEqual(
    expect.objectContaining({
      level: "error",
      advice: `grant all on triaged.live_tasks to ${platform.name("owner")}`,
    }),
  );
  await finishTask(platform.owner);
});

test("grants of ours that were lost or added are made again as they are meant", async ({
  platform,
}) => {
  const { roles } = await migrateSchema({ connectionString: platform.url });
  const { api, readonly, owner } = found(roles);
  await platform.arrange(
    `revoke execute on function triaged.claim_tasks from ${api};
     revoke usage on schema triaged from ${readonly};
     revoke update (priority) on triaged.tasks from ${owner};
     grant insert on triaged.live_tasks to ${api};
     grant select on triaged.push_configs to ${readonly};
     grant delete on triaged.task_history_default to ${api};
     grant execute on function triaged.drop_expired_partitions to ${api}`,
  );
  const findings = await findingsOf(platform.url, privilegesProbe, { rolePrefix: null });

  const applied: string[] = [];
  await migrateSchema(
    { connectionString: platform.url },
    { onApplied: (step) => applied.push(step) },
  );

  expect(findings.filter(({ level }) => level === "error").map(({ found: said }) => said)).toEqual([
    expect.stringMatching(/^our roles lack rights: .*claim_tasks/),
    expect.any(String),
    expect.any(String),
    expect.any(String),
    expect.any(String),
  ]);
  expect(applied).toEqual(["grants"]);
  expect(await findingsOf(platform.url, privilegesProbe, { rolePrefix: null })).toMatchObject([
    { level: "ok", subject: "roles" },
    { level: "ok", subject: "grants" },
  ]);
  expect(await call(platform.owner, "why", { task_id: 1 })).toHaveLength(1);
});

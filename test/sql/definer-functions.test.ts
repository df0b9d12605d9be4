// Goal: no code of a caller runs with the rights of the queue's owner: no cast, operator,
// function or table of his, in no function of ours that there is or will be.
// Method: the catalog says what each function takes, how it runs and who may call it. A hostile
// role then tries what the rules are against.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { HOSTILE, makeHostileRole } from "../support/hostile-role.ts";
import { query, queryOne, refusal } from "../support/tasks.ts";

/** Inlined into what calls them, so they cannot fix the search path: they name each schema. */
const INLINED = ["clock_margin", "lock_key", "may_stop_clock", "now"];
/** The ones that put SQL together, of names that are ours. */
const DYNAMIC = [
  "abandon_rewrite",
  "add_effect_job",
  "add_maintenance_job",
  "begin_rewrite",
  "close_table",
  "continue_rewrite",
  "create_days_ahead",
  "create_partition",
  "drop_expired_partitions",
  "end_rewrite",
  "is_copied",
  "maintenance_runs",
  "stray_days",
  "swap_partitions",
];

const PINNED = `coalesce(proconfig::text[], '{}') @> '{"search_path=pg_catalog, pg_temp"}'`;
const IS_TRIGGER = "prorettype = 'trigger'::regtype";

const namesOf = (where: string) => `
  select proname as name from pg_proc
  where pronamespace in ('triaged'::regnamespace, 'triaged_compat'::regnamespace) and ${where}
  order by proname`;

test("a function with its owner's rights takes types of PostgreSQL, and none of many shapes", async ({
  db,
}) => {
  const taking = namesOf(`prosecdef and exists (
    select from unnest(proargtypes::oid[]) as given join pg_type on pg_type.oid = given
    left join pg_type as element on element.oid = pg_type.typelem and pg_type.typlen = -1
    where pg_type.typtype <> 'b' or pg_type.typnamespace <> 'pg_catalog'::regnamespace
      or coalesce(element.typtype, 'b') <> 'b'
  )`);

  expect(await query(db, taking)).toEqual([]);
});

test("a function with its owner's rights fixes its search path, with pg_temp at its end", async ({
  db,
}) => {
  expect(await query(db, namesOf(`prosecdef and not ${PINNED}`))).toEqual([]);
});

test("so does each that anybody may call, and each trigger, but for those that name every schema", async ({
  db,
}) => {
  const loose = await query(
    db,
    namesOf(`not ${PINNED} and (
      ${IS_TRIGGER}
      or exists (select from aclexplode(proacl) as granted where granted.grantee <> proowner)
    )`),
  );

  expect(loose.map(({ name }) => name)).toEqual(INLINED);
});

test("a function that anybody inlines names the schema of all that it calls", async ({ db }) => {
  const bodies = await query<{ name: string; prosrc: string }>(
    db,
    "select proname as name, prosrc from pg_proc where pronamespace = 'triaged'::regnamespace and proname = any ($1)",
    [INLINED],
  );

  for (const { name, prosrc } of bodies) {
    const text = prosrc.replaceAll(/--.*$/gm, "").replaceAll(/'[^']*'/g, "''");
    const bare = text.matchAll(
      /(?<![.\w])(\w+)\s*\(|(::\s*\w+\b(?!\.))|(?<!pg_catalog\.)(=|\|\||<|>)/g,
    );
    // What SQL itself spells so.
    const found = [...bare]
      .map(([match]) => match)
      .filter((match) => !/^(coalesce|operator)\s*\(/.test(match));
    expect({ name, found }).toEqual({ name, found: [] });
  }
});

test("no function but those that make and drop tables, or call jobs, puts SQL together", async ({
  db,
}) => {
  const rows = await query(db, namesOf(String.raw`prosrc ~ '\mexecute\M'`));

  expect(rows.map(({ name }) => name)).toEqual(DYNAMIC);
});

test("a function with its owner's rights calls none that takes any type", async ({ db }) => {
  const shapeless = await query<{ name: string }>(
    db,
    namesOf(`exists (
      select from unnest(proargtypes::oid[]) as given join pg_type on pg_type.oid = given
      where pg_type.typtype = 'p'
    )`),
  );
  expect(shapeless.map(({ name }) => name)).toEqual(["enqueue_task", "notify_change"]);

  // Nor one of those without rights of their own, which they call in turn.
  for (const { name } of shapeless) {
    const callers = await query(db, namesOf(String.raw`prosrc ~ 'triaged\.${name}\('`));
    expect(callers).toEqual([]);
  }
});

test("nothing reads otherwise where a session has backslashes escape", async ({ db }) => {
  const texts = `
    select proname as name, prosrc as text, pronamespace as place from pg_proc
    union all
    select relname, pg_get_viewdef(oid), relnamespace from pg_class where relkind = 'v'
    union all
    select tgname, pg_get_triggerdef(pg_trigger.oid), relnamespace
    from pg_trigger join pg_class on pg_class.oid = tgrelid
    union all
    select conname, pg_get_constraintdef(oid), connamespace from pg_constraint
    union all
    select adrelid::regclass::text, pg_get_expr(adbin, adrelid), relnamespace
    from pg_attrdef join pg_class on pg_class.oid = adrelid
    union all
    select relname, pg_get_indexdef(oid), relnamespace from pg_class where relkind = 'i'`;

  expect(
    await query(
      db,
      `select name from (${texts}) as told
       where place = 'triaged'::regnamespace and position(chr(92) in text) > 0`,
    ),
  ).toEqual([]);
});

/** Called by functions that fix how times are read and written, and by nobody else. */
const FIXED_BY_CALLERS = [
  "add_tasks", // enqueue_tasks, enqueue_scheduled
  "begin_rewrite", // merge_partitions
  "enqueue_keyed_tasks", // add_tasks
  "why_queued", // why
];
/** They read what PostgreSQL has written in the one form that all settings read: JSON, a limit. */
const OF_ONE_FORM = ["take_lock"];

test("a function that makes text of times, or times of text, fixes how", async ({ db }) => {
  const loose = await query<{ name: string }>(
    db,
    namesOf(`
      regexp_replace(prosrc, '--[^' || chr(10) || ']*', '', 'g')
        ~ '::(timestamptz|timestamp|date|interval)|to_char|%L|[^_](run_at|dedupe_for) (timestamptz|interval)'
      and not (
        coalesce(proconfig::text[], '{}') @> '{"DateStyle=ISO, MDY"}'
        and coalesce(proconfig::text[], '{}') @> '{"TimeZone=UTC"}'
      )`),
  );

  expect(loose.map(({ name }) => name)).toEqual([...FIXED_BY_CALLERS, ...OF_ONE_FORM].toSorted());
});

test.for(FIXED_BY_CALLERS)(
  "each caller of %s fixes how times are read and written",
  async (name, { db }) => {
    const callers = await query<{ name: string; is_fixed: boolean }>(
      db,
      `select
       proname as name, coalesce(proconfig::text[], '{}') @> '{"DateStyle=ISO, MDY"}' as is_fixed
     from pg_proc
     where pronamespace = 'triaged'::regnamespace and position($1 in prosrc) > 0
     order by 1`,
      [`triaged.${name}(`],
    );

    expect(callers).not.toEqual([]);
    expect(
      callers.filter((caller) => !caller.is_fixed && !FIXED_BY_CALLERS.includes(caller.name)),
    ).toEqual([]);
    expect(
      await query(
        db,
        namesOf(`proname = '${name}'
        and exists (select from aclexplode(proacl) as granted where granted.grantee <> proowner)`),
      ),
    ).toEqual([]);
  },
);

test("no function with its owner's rights is for everybody", async ({ db }) => {
  expect(
    await query(
      db,
      namesOf("exists (select from aclexplode(proacl) as granted where granted.grantee = 0)"),
    ),
  ).toEqual([]);
  // Null would be PostgreSQL's default: everybody.
  expect(await query(db, namesOf("proacl is null"))).toEqual([]);
});

const PRIORITIES: readonly (readonly [string, number])[] = [
  ["'high'", 1],
  ["1", 1],
  ["1::smallint", 1],
  ["1::bigint", 1],
  ["'high'::text", 1],
  ["'high'::varchar", 1],
  ["'low'::name", 3],
  ["null", 2],
];

test.for(PRIORITIES)("priority => %s is %i", async ([priority, level], { db }) => {
  const named = await queryOne<{ task_id: string }>(
    db,
    `select * from triaged.enqueue_task('noop', priority => ${priority})`,
  );
  const placed = await queryOne<{ task_id: string }>(
    db,
    `select * from triaged.enqueue_task('noop', '{}', 'default', ${priority})`,
  );
  const told = await queryOne<{ task_id: string }>(
    db,
    `select * from triaged.notify_change(
       '{"source_repo": "a/b", "commit_sha": "1", "commit_message": "", "branch": "main"}',
       'default', ${priority})`,
  );

  expect(
    await query(
      db,
      "select priority from triaged.live_tasks where task_id = any ($1) order by task_id",
      [[named.task_id, placed.task_id, told.task_id]],
    ),
  ).toEqual([{ priority: level }, { priority: level }, { priority: level }]);
});

/** What a hostile role does, with `evil`: a value of its own type, or a row of its own. */
const ATTACKS: readonly (readonly [string, string])[] = [
  ["a cast of a priority", "select * from triaged.enqueue_task('x', '{}', priority => $evil)"],
  [
    "a cast of the priority of a change",
    `select * from triaged.notify_change(
       '{"source_repo": "a/b", "commit_sha": "1", "commit_message": "", "branch": "main"}',
       priority => $evil)`,
  ],
  ["a cast where text is wanted", "select * from triaged.enqueue_plain_task($evil)"],
  ["a cast of an array", "select triaged.register_worker('w', array[$evil]::text[])"],
];

test.for(ATTACKS)("%s runs with the rights of its caller", async ([, statement], { db }) => {
  await makeHostileRole(db);

  await db.query("savepoint attack");
  await db
    .query(statement.replaceAll("$evil", HOSTILE.value))
    .catch(() => db.query("rollback to savepoint attack"));

  expect(await query(db, HOSTILE.ranAs)).toEqual([]);
});

test.for([
  "insert_task",
  "update_task",
  "expire_cached_results",
  "record_insert",
  "record_update",
  "note_claims",
])("%s does not serve a table of another", async (name, { db }) => {
  await makeHostileRole(db, { mayCall: name });
  const [table, when] =
    name === "insert_task" || name === "update_task"
      ? ["evil_view", "instead of insert or update on pg_temp.evil_view"]
      : ["evil_table", "after insert or update on pg_temp.evil_table"];
  const tables = { record_insert: "arrived", record_update: "after", note_claims: "after" }[name];
  await db.query(
    `create trigger evil ${tables === undefined ? when : `after ${tables === "arrived" ? "insert" : "update"} on pg_temp.evil_table`}
       ${tables === undefined ? "for each row" : `referencing ${tables === "after" ? "old table as before" : ""} new table as ${tables} for each statement`}
       execute function triaged.${name}()`,
  );

  const statement =
    name.includes("update") || tables === "after"
      ? `update pg_temp.${table} set status = 'x'`
      : `insert into pg_temp.${table} default values`;
  expect(await refusal(db, () => db.query(statement))).toMatchObject({
    code: "42501",
    message: expect.stringContaining(`${name}() does not serve`),
  });
  expect(await query(db, HOSTILE.ranAs)).toEqual([]);
  await db.query("reset session authorization");
  expect(await query(db, "select from triaged.task_history")).toEqual([]);
});

test("nobody may make a trigger of a function of ours", async ({ db }) => {
  const triggers = await query<{ name: string }>(db, namesOf(IS_TRIGGER));
  await makeHostileRole(db);

  for (const { name } of triggers) {
    const making = () =>
      db.query(
        `create trigger evil after insert on pg_temp.evil_table
         for each row execute function triaged.${name}()`,
      );
    expect(await refusal(db, making)).toMatchObject({ code: "42501" });
  }
});

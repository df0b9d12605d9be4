// Goal: a change of the schema shows in review, and each supported server makes the same
// schema of the same files.
// Method: write down what the catalogs know after a migration, but for partitions, which are
// as their parents are, and compare with the committed text. Take a change over with
// `npx vitest run test/sql/schema-snapshot -u`.

import { expect } from "vitest";
import { test } from "../support/db.ts";
import { query } from "../support/tasks.ts";

const SCHEMA = "'triaged'::regnamespace";

/** One query for each chapter; each row is a line, and the lines have an order of their own. */
const CHAPTERS: Record<string, string> = {
  columns: `
    select format('%s.%s %s%s%s%s', relname, attname, format_type(atttypid, atttypmod),
      case when attnotnull then ' not null' else '' end,
      coalesce(' default ' || pg_get_expr(adbin, adrelid), ''),
      case attidentity when 'a' then ' generated always as identity' else '' end) as line
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = ${SCHEMA} and relkind in ('r', 'p', 'v') and not relispartition
      and attnum > 0 and not attisdropped
    order by relname, attnum`,
  // Not null is a constraint with a name from 18 on; the columns tell it.
  constraints: `
    select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)) as line
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where connamespace = ${SCHEMA} and contype not in ('n', 't') and not relispartition
    order by conrelid::regclass::text collate "C", conname collate "C"`,
  indexes: `
    select pg_get_indexdef(indexrelid) as line
    from pg_index
    join pg_class on pg_class.oid = indrelid
    where relnamespace = ${SCHEMA} and not relispartition
    order by pg_get_indexdef(indexrelid) collate "C"`,
  storage: `
    select format('%s %s%s', relname, reloptions, ' ' || pg_get_partkeydef(oid)) as line
    from pg_class
    where relnamespace = ${SCHEMA} and relkind in ('r', 'p') and not relispartition
      and (reloptions is not null or relkind = 'p')
    order by relname collate "C"`,
  triggers: `
    select pg_get_triggerdef(pg_trigger.oid) as line
    from pg_trigger
    join pg_class on pg_class.oid = tgrelid
    where relnamespace = ${SCHEMA} and not tgisinternal and not relispartition
    order by relname collate "C", tgname collate "C"`,
  functions: `
    select format('%s(%s) returns %s%s%s%s', proname, pg_get_function_arguments(oid),
      pg_get_function_result(oid),
      case provolatile when 'i' then ' immutable' when 's' then ' stable' else '' end,
      case when prosecdef then ' security definer' else '' end,
      ' ' || proconfig::text) as line
    from pg_proc
    where pronamespace = ${SCHEMA}
    order by proname collate "C"`,
};

test("the schema is the one that was reviewed", async ({ db }) => {
  await db.query("set local search_path to pg_catalog");
  const chapters = [];
  for (const [title, text] of Object.entries(CHAPTERS)) {
    const lines = (await query(db, text)).map((row) => String(row["line"]));
    chapters.push(`${title}\n\n${lines.map((line) => `  ${line}`).join("\n")}\n`);
  }

  await expect(chapters.join("\n")).toMatchFileSnapshot("../../sql/schema.snapshot.txt");
});

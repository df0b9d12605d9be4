/** The schema as the catalogs have it, in the lines of sql/schema.snapshot.txt. */
import type { Database } from "../database.ts";
import { compatSchema } from "./compat.ts";

/** Partitions are as their parents are, and so are the copies that merge_partitions makes. */
const IS_LASTING = `not relispartition
      and relname not similar to '(final_tasks|task_history)_rewrite(!_%)?' escape '!'`;

/** Of the queue, and of its compatibility schema where that is there. */
const OURS = "any (array[to_regnamespace($1), to_regnamespace($2)]::oid[])";
/** Names of the queue stand alone, those of the other schema with it. */
const HOME = (schema: string) =>
  `case when ${schema} = to_regnamespace($2) then $2::text || '.' else '' end`;

/**
 * One query for each chapter of sql/schema.snapshot.txt; each row is a line, and the lines
 * have an order of their own. `$1` is the schema, `$2` its compatibility schema.
 */
const QUERIES = {
  columns: `
    select format('%s%s.%s %s%s%s%s', ${HOME("relnamespace")}, relname, attname,
      format_type(atttypid, atttypmod),
      case when attnotnull then ' not null' else '' end,
      coalesce(' default ' || pg_get_expr(adbin, adrelid), ''),
      case attidentity when 'a' then ' generated always as identity' else '' end) as line
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = ${OURS} and relkind in ('r', 'p', 'v') and ${IS_LASTING}
      and attnum > 0 and not attisdropped
    order by relnamespace is not distinct from to_regnamespace($2), relname, attnum`,
  // Not null is a constraint with a name from 18 on; the columns tell it.
  constraints: `
    select format('%s %s %s', conrelid::regclass, conname,
      pg_get_constraintdef(pg_constraint.oid)) as line
    from pg_constraint
    join pg_class on pg_class.oid = conrelid
    where connamespace = ${OURS} and contype not in ('n', 't') and ${IS_LASTING}
    order by conrelid::regclass::text collate "C", conname collate "C"`,
  indexes: `
    select pg_get_indexdef(indexrelid) as line
    from pg_index
    join pg_class on pg_class.oid = indrelid
    where relnamespace = ${OURS} and ${IS_LASTING}
    order by pg_get_indexdef(indexrelid) collate "C"`,
  storage: `
    select format('%s %s%s%s', relname, reloptions, ' ' || pg_get_partkeydef(oid),
      case relreplident
        when 'f' then ' replica identity full'
        when 'n' then ' replica identity nothing'
        when 'i' then ' replica identity of an index'
      end) as line
    from pg_class
    where relnamespace = ${OURS} and relkind in ('r', 'p') and ${IS_LASTING}
      and (reloptions is not null or relkind = 'p' or relreplident <> 'd')
    order by relname collate "C"`,
  triggers: `
    select pg_get_triggerdef(pg_trigger.oid) as line
    from pg_trigger
    join pg_class on pg_class.oid = tgrelid
    where relnamespace = ${OURS} and not tgisinternal and ${IS_LASTING}
    order by relnamespace is not distinct from to_regnamespace($2), relname collate "C", tgname collate "C"`,
  functions: `
    select format('%s%s(%s) returns %s%s%s%s', ${HOME("pronamespace")}, proname,
      pg_get_function_arguments(oid),
      pg_get_function_result(oid),
      case provolatile when 'i' then ' immutable' when 's' then ' stable' else '' end,
      case when prosecdef then ' security definer' else '' end,
      ' ' || proconfig::text) as line
    from pg_proc
    where pronamespace = ${OURS}
    order by pronamespace is not distinct from to_regnamespace($2), proname collate "C"`,
};

export type Chapter = keyof typeof QUERIES;

export const CHAPTERS = [
  "columns",
  "constraints",
  "indexes",
  "storage",
  "triggers",
  "functions",
] as const satisfies readonly Chapter[];

/** The lines of the schema, chapter by chapter. */
type SchemaLines = Readonly<Record<Chapter, readonly string[]>>;

/** Read it. The search path must be that of pg_catalog alone, so that names are whole. */
export async function readSchemaLines(db: Database): Promise<SchemaLines> {
  const read = async (chapter: Chapter) => {
    const rows = await db.query<{ line: string }>({
      text: QUERIES[chapter],
      values: [db.schema, compatSchema(db.schema)],
    });
    return rows.map(({ line }) => line);
  };
  return {
    columns: await read("columns"),
    constraints: await read("constraints"),
    indexes: await read("indexes"),
    storage: await read("storage"),
    triggers: await read("triggers"),
    functions: await read("functions"),
  };
}

/** The text of sql/schema.snapshot.txt. */
export function formatSchemaLines(schema: SchemaLines): string {
  return Object.entries(schema)
    .map(([title, lines]) => `${title}\n\n${lines.map((line) => `  ${line}`).join("\n")}\n`)
    .join("\n");
}

/** The same read back. */
export function parseSchemaLines(text: string): SchemaLines {
  const under = (chapter: Chapter) => {
    const [, after = ""] = `\n${text}`.split(`\n${chapter}\n\n`);
    return after
      .split("\n\n", 1)
      .flatMap((lines) => lines.trimEnd().split("\n"))
      .map((line) => line.slice(2));
  };
  return {
    columns: under("columns"),
    constraints: under("constraints"),
    indexes: under("indexes"),
    storage: under("storage"),
    triggers: under("triggers"),
    functions: under("functions"),
  };
}

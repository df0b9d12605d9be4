/** Where the schema of a database differs from what the files of sql/ make. */
import type { Database } from "../database.ts";
import { codeOf } from "../sqlstate.ts";
import { compatSchema, readCompatState } from "./compat.ts";
import { CHAPTERS, type Chapter, parseSchemaLines, readSchemaLines } from "./snapshot.ts";
import { type Part, readFunctionBodies, readSchemaSnapshot, readViewTexts } from "./sql-files.ts";

export type Drift = {
  readonly chapter: Chapter | "views";
  readonly missing: readonly string[];
  /** There, by its name, and another. */
  readonly changed: readonly string[];
  /** In the database, and in no file of ours. */
  readonly extra: readonly string[];
};

/** The name of the object that a line of a chapter describes. */
const NAMES: Readonly<Record<Chapter, RegExp>> = {
  columns: /^\S+/,
  constraints: /^\S+ \S+/,
  // unproven pattern -- it reads definitions of our own tables
  indexes: /(?<= INDEX )\S+/,
  storage: /^\S+/,
  // unproven pattern -- it reads definitions of our own tables
  triggers: /(?<= TRIGGER )\S+/,
  functions: /^[^(]+/,
};

/** A part of the queue, and the schema in which it lies. */
type Home = { readonly part: Part; readonly schema: string };

/**
 * Compare columns, constraints, indexes, storage, triggers and functions with the committed
 * snapshot, the bodies of functions with their files, and each view with a temporary one of
 * the same text: another version of the server may print it otherwise. Wants a transaction
 * that is rolled back. Rights and partitions are not compared.
 */
export async function readDrift(db: Database): Promise<Drift[]> {
  const shipped = parseSchemaLines(readSchemaSnapshot(db.schema));
  const compat = compatSchema(db.schema);
  const homes: Home[] = [{ part: "queue", schema: db.schema }];
  if (compat !== null && (await readCompatState(db)) === "ours") {
    homes.push({ part: "compat", schema: compat });
  }
  // The queue works without the compatibility schema; what a stranger has there is his.
  const isOurs = (line: string) => homes.length > 1 || !line.includes(`${db.schema}_compat.`);
  const found = await readSchemaLines(db);
  const bodies: string[] = [];
  const views: string[] = [];
  for (const home of homes) {
    bodies.push(...(await readChangedBodies(db, home)));
    views.push(...(await readChangedViews(db, home)));
  }
  const chapters = CHAPTERS.map((chapter) => {
    const drift = compare(chapter, shipped[chapter].filter(isOurs), found[chapter].filter(isOurs));
    return chapter === "functions"
      ? { ...drift, changed: [...new Set([...drift.changed, ...bodies])] }
      : drift;
  });
  return [
    ...chapters,
    { chapter: "views" as const, missing: [], changed: views, extra: [] },
  ].filter(({ missing, changed, extra }) => missing.length + changed.length + extra.length > 0);
}

/** Triggers of the schema that do not fire, as `trigger on table`. */
export async function readDisabledTriggers(db: Database): Promise<string[]> {
  const rows = await db.query<{ name: string }>({
    text: `select format('%s on %s', tgname, tgrelid::regclass) as name
           from pg_trigger
           join pg_class on pg_class.oid = tgrelid
           where relnamespace = any (array[to_regnamespace($1), to_regnamespace($2)]::oid[])
             and not tgisinternal and tgenabled not in ('O', 'A')
           order by name`,
    values: [db.schema, compatSchema(db.schema)],
  });
  return rows.map(({ name }) => name);
}

function compare(chapter: Chapter, shipped: readonly string[], found: readonly string[]): Drift {
  const nameOf = (line: string) => NAMES[chapter].exec(line)?.[0] ?? line;
  const missing = shipped.filter((line) => !found.includes(line)).map(nameOf);
  const extra = found.filter((line) => !shipped.includes(line)).map(nameOf);
  return {
    chapter,
    missing: missing.filter((name) => !extra.includes(name)),
    changed: missing.filter((name) => extra.includes(name)),
    extra: extra.filter((name) => !missing.includes(name)),
  };
}

async function readChangedBodies(db: Database, { part, schema }: Home): Promise<string[]> {
  const rows = await db.query<{ name: string; body: string }>({
    text: `select proname as name, prosrc as body from pg_proc
           where pronamespace = $1::regnamespace`,
    values: [schema],
  });
  const shipped = readFunctionBodies(db.schema, part);
  return rows
    .filter(({ name, body }) => (shipped.get(name) ?? body) !== body)
    .map(({ name }) => nameIn(part, schema, name));
}

/** As the lines of the snapshot have it. */
function nameIn(part: Part, schema: string, name: string): string {
  return part === "queue" ? name : `${schema}.${name}`;
}

async function readChangedViews(db: Database, { part, schema }: Home): Promise<string[]> {
  const [login] = await db.query<{ may_compare: boolean }>({
    text: "select has_database_privilege(current_database(), 'temporary') as may_compare",
  });
  const changed: string[] = [];
  for (const [name, text] of login?.may_compare === true ? readViewTexts(db.schema, part) : []) {
    const place = `${schema}.${name}`;
    const [row] = await db.query<{ is_there: boolean }>({
      text: "select to_regclass($1) is not null as is_there",
      values: [place],
    });
    // One that is gone is told by its columns.
    if (row?.is_there === true && !(await isShippedView(db, place, text))) {
      changed.push(nameIn(part, schema, name));
    }
  }
  return changed;
}

async function isShippedView(db: Database, place: string, text: string): Promise<boolean> {
  await db.query({ text: `savepoint ${SHIPPED}` });
  try {
    await db.query({ text: `create temporary view ${SHIPPED} as ${text}` });
    const [compared] = await db.query<{ same: boolean }>({
      text: `select pg_get_viewdef($1::regclass) = pg_get_viewdef('pg_temp.${SHIPPED}'::regclass)
               as same`,
      values: [place],
    });
    return compared?.same === true;
  } catch (err) {
    // A table that the view asks is not there.
    if ((codeOf(err) ?? "").startsWith("42")) {
      return false;
    }
    throw err;
  } finally {
    await db.query({ text: `rollback to savepoint ${SHIPPED}; release savepoint ${SHIPPED}` });
  }
}

const SHIPPED = "triaged_shipped_view";

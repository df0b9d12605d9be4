/**
 * What is missing of a schema that counts as migrated: a dump was restored in part, or somebody
 * has taken something away. The record of the migrations is a table like the others, so it tells
 * nothing of what came with it.
 */
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Database } from "../database.ts";
import { compatSchema, readCompatState } from "../schema/compat.ts";
import { type Drift, readDisabledTriggers, readDrift } from "../schema/drift.ts";
import { readMigrations, readViewTexts } from "../schema/sql-files.ts";
import { REPEATABLES, WITHOUT_COMPAT } from "../schema/state.ts";

/** Names in one message, at most. */
const NAMES_MAX = 5;
/** Without these a row may be there twice; without others a look is slow, or a check missing. */
const IS_KEY = /_(?:pkey|unique)$/;

/** How the schema differs from the shipped one, each part as the end of a sentence. */
export type Losses = {
  /** Objects that `triaged migrate` makes again: functions, views, triggers. */
  readonly mendable: readonly string[];
  /** Tables and their keys: the queue cannot be used without. */
  readonly fatal: readonly string[];
  /** Objects that only a restore, or a person, brings back. */
  readonly other: readonly string[];
};

/** Compare. Wants a transaction whose search path is that of pg_catalog alone. */
export async function readLosses(db: Database): Promise<Losses> {
  const drifts = await readDrift(db);
  const disabled = await readDisabledTriggers(db);
  const views = viewsOf(db.schema);
  const of = (chapter: Drift["chapter"]) => {
    const { missing = [], changed = [] } = drifts.find((drift) => drift.chapter === chapter) ?? {};
    return { missing, changed, both: [...missing, ...changed] };
  };
  const columns = of("columns").both;
  const ofTables = columns.filter((column) => !views.has(tableOf(column)));
  const gone = await readMissingTables(db, new Set(ofTables.map(tableOf)));
  const constraints = of("constraints").both.filter(
    (name) => !gone.some((table) => name.startsWith(`${db.schema}.${table} `)),
  );
  return {
    mendable: [
      ...told("functions missing", of("functions").missing),
      ...told("functions changed", of("functions").changed),
      ...told("views missing or changed", [
        ...new Set([
          ...of("views").both,
          ...columns.map(tableOf).filter((name) => views.has(name)),
        ]),
      ]),
      ...told("triggers missing", of("triggers").missing),
      ...told("triggers changed", of("triggers").changed),
      ...told("triggers disabled", disabled),
      ...(await readLostSchemas(db)),
    ],
    fatal: [
      ...told("tables", gone),
      ...told(
        "columns",
        ofTables.filter((column) => !gone.includes(tableOf(column))),
      ),
      ...told(
        "keys",
        constraints.filter((name) => IS_KEY.test(name)),
      ),
    ],
    other: [
      ...told(
        "constraints missing or changed",
        constraints.filter((name) => !IS_KEY.test(name)),
      ),
      ...(gone.length > 0 ? [] : told("indexes missing or changed", of("indexes").both)),
    ],
  };
}

/** Throw an EnvironmentError (78) for a schema without some of its tables or keys. */
export function refuseHalfRestored({ schema }: Database, { fatal }: Losses): void {
  if (fatal.length > 0) {
    throw new EnvironmentError(
      `schema ${schema} lacks what its migrations have made, or has it otherwise: ${fatal.join("; ")}`,
      {
        hint:
          "restore the whole schema, with the post-data section of its dump; what a restore left " +
          "out cannot be made anew",
        exitCode: EXIT_CODES.config,
      },
    );
  }
}

/**
 * Record the migrations of tables that are there without any record, as a dump without data
 * leaves them, and return whether it was so. Throws an EnvironmentError (78) where the tables are
 * not those of this version: nobody knows then which migrations they have seen.
 */
export async function adoptTables(db: Database): Promise<boolean> {
  const [row] = await db.query<{ is_bare: boolean }>({
    text: `select to_regclass('triaged.live_tasks') is not null
             and not exists (select from triaged.schema_migrations) as is_bare`,
  });
  if (row?.is_bare !== true) {
    return false;
  }
  const { fatal, other } = await readLosses(db);
  const differing = [...fatal, ...other];
  if (differing.length > 0) {
    throw new EnvironmentError(
      `schema ${db.schema} has tables and no record of their migrations, and they are not those ` +
        `of this version: ${differing.join("; ")}`,
      {
        hint: "restore the rows of schema_migrations as well, or use the version that made the dump",
        exitCode: EXIT_CODES.config,
      },
    );
  }
  for (const { name, checksum } of readMigrations(db.schema)) {
    await db.query({
      text: "insert into triaged.schema_migrations (name, checksum) values ($1, $2)",
      values: [name, checksum],
    });
  }
  return true;
}

/** Of a column as the schema's lines name it: outside of the queue's schema with that. */
function tableOf(column: string): string {
  return column.slice(0, Math.max(column.lastIndexOf("."), 0));
}

function viewsOf(schema: string): ReadonlySet<string> {
  const compat = [...readViewTexts(schema, "compat").keys()];
  return new Set([
    ...readViewTexts(schema, "queue").keys(),
    ...compat.map((name) => `${compatSchema(schema)}.${name}`),
  ]);
}

/** A dump of the queue's schema alone has not the one beside it. */
async function readLostSchemas(db: Database): Promise<string[]> {
  const state = await readCompatState(db);
  const [row] = await db.query<{ checksum: string }>({
    text: "select checksum from triaged.schema_migrations where name = $1",
    values: [REPEATABLES],
  });
  const wasMade = row?.checksum.includes(WITHOUT_COMPAT) === false;
  return state === "absent" && wasMade ? [`schema missing: ${compatSchema(db.schema)}`] : [];
}

async function readMissingTables(db: Database, names: ReadonlySet<string>): Promise<string[]> {
  const rows = await db.query<{ name: string }>({
    text: `select name from unnest($2::text[]) as name
           where to_regclass(format('%I.%I', $1::text, name)) is null`,
    values: [db.schema, [...names]],
  });
  return rows.map(({ name }) => name);
}

function told(what: string, names: readonly string[]): string[] {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return names.length === 0 ? [] : [`${what}: ${names.slice(0, NAMES_MAX).join(", ")}${more}`];
}

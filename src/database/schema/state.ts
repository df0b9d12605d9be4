/** How far a database is migrated, and whether this version of the code can use it. */
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Database } from "../database.ts";
import { namingRoles } from "../roles/roles.ts";
import { readMigrations, readRepeatables } from "./sql-files.ts";

/** How far the schema of a database is, measured against this version of the code. */
export type SchemaState = {
  readonly schema: string;
  readonly serverVersion: number;
  /** In which the database stores text. */
  readonly encoding: string;
  readonly applied: readonly AppliedMigration[];
  /** Names of migrations that the code has and the database has not. */
  readonly pending: readonly string[];
  /** Names of migrations that the database has and the code has not. */
  readonly unknown: readonly string[];
  /** Names of migrations whose file is not the one that was applied. */
  readonly changed: readonly string[];
  /** Whether functions, views, triggers and grants are those of the code. */
  readonly repeatablesCurrent: boolean;
};

type AppliedMigration = {
  readonly name: string;
  readonly checksum: string;
  readonly appliedAt: Date;
};

const SERVER_VERSION_MIN = 150_000;
/** An encoding that can store every result and error, but for NUL and half characters. */
const ENCODING = "UTF8";
/** The row of schema_migrations that stands for all files that are applied repeatedly. */
export const REPEATABLES = "repeatables";
/** Marks the checksum of repeatables without the schema for clients of the older system. */
export const WITHOUT_COMPAT = " without compat";

/**
 * Read the state. Works on a database that has no such schema yet. Throws an EnvironmentError (78)
 * that names the role to grant where this user may not look.
 */
export async function readSchemaState(db: Database): Promise<SchemaState> {
  try {
    return await readState(db);
  } catch (err) {
    throw await namingRoles(db, err);
  }
}

async function readState(db: Database): Promise<SchemaState> {
  const { schema } = db;
  const [server] = await db.query<{ version: number; encoding: string; migrated: boolean }>({
    text: `select
      current_setting('server_version_num')::integer as version,
      current_setting('server_encoding') as encoding,
      to_regclass('triaged.schema_migrations') is not null as migrated`,
  });
  const rows = server?.migrated
    ? await db.query<AppliedMigration>({
        text: `select name, checksum, applied_at as "appliedAt"
               from triaged.schema_migrations order by name`,
      })
    : [];

  const known = readMigrations(schema);
  const applied = rows.filter((row) => row.name !== REPEATABLES);
  const checksums = new Map(applied.map((row) => [row.name, row.checksum]));
  const repeatables = rows.find((row) => row.name === REPEATABLES)?.checksum;
  return {
    schema,
    serverVersion: server?.version ?? 0,
    encoding: server?.encoding ?? "",
    applied,
    pending: known.filter(({ name }) => !checksums.has(name)).map(({ name }) => name),
    unknown: applied
      .filter((row) => !known.some(({ name }) => name === row.name))
      .map(({ name }) => name),
    changed: known
      .filter(({ name, checksum }) => (checksums.get(name) ?? checksum) !== checksum)
      .map(({ name }) => name),
    repeatablesCurrent:
      repeatables?.replace(WITHOUT_COMPAT, "") === readRepeatables(schema).checksum,
  };
}

/** Throw an EnvironmentError (78) for what no migration can mend. */
export function refuseUnusable(state: SchemaState): void {
  if (state.serverVersion < SERVER_VERSION_MIN) {
    throw unusable(
      `the server is PostgreSQL ${Math.floor(state.serverVersion / 10_000)}; triaged needs 15 or later`,
      "upgrade the server, or name another one in DATABASE_URL",
    );
  }
  if (state.encoding !== ENCODING) {
    throw unusable(
      `the database stores text as ${state.encoding}; triaged needs ${ENCODING}`,
      `create database … encoding '${ENCODING}' template template0, and name that one in DATABASE_URL`,
    );
  }
  if (state.unknown.length > 0) {
    throw unusable(
      `schema ${state.schema} is newer than this version of triaged: it has ${state.unknown.join(", ")}`,
      "upgrade triaged; an older version must not write to a newer schema",
    );
  }
  if (state.changed.length > 0) {
    throw unusable(
      `schema ${state.schema} was made by other files than these: ${state.changed.join(", ")} changed since`,
      "restore the released files of sql/migrations; add a migration for a change",
    );
  }
}

/** Throw an EnvironmentError (78) unless workers of this version can use the schema. */
export function refuseUnmigrated(state: SchemaState): void {
  refuseUnusable(state);
  if (state.pending.length > 0) {
    throw unusable(
      `schema ${state.schema} lacks ${state.pending.join(", ")}`,
      "run `triaged migrate`",
    );
  }
}

function unusable(message: string, hint: string): EnvironmentError {
  return new EnvironmentError(message, { hint, exitCode: EXIT_CODES.config });
}

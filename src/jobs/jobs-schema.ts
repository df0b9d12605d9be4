import { type RunnerOptions, runMigrations } from "graphile-worker";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { type Database, DEFAULT_SCHEMA, inSchema } from "../postgres/database.ts";
import { takeMigratorsLock } from "../postgres/migrators-lock.ts";
import type { openPool } from "../postgres/pool.ts";
import { readObjects } from "../postgres/privilege-rows.ts";
import { closeNewObjects } from "../postgres/privileges.ts";
import { readRoles } from "../postgres/roles.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { refuseStrangers } from "../postgres/strangers.ts";
import { inTransaction } from "../postgres/transaction.ts";

/** Longer names are cut by the server, which would make two schemas one. */
const NAME_LENGTH_MAX = 63;
const SUFFIX = "_jobs";

/**
 * Where graphile-worker keeps its jobs: in `graphile_worker`, or beside a queue of another
 * name in a schema of its own, since two queues in one database must not share jobs.
 */
export function jobsSchemaOf(schema: string): string {
  return schema === DEFAULT_SCHEMA
    ? "graphile_worker"
    : schema.slice(0, NAME_LENGTH_MAX - SUFFIX.length) + SUFFIX;
}

/**
 * Bring graphile-worker's schema up to its version of the code. Safe to run many times at
 * once: its own migrations are not, when there is no schema yet, so this holds the lock of
 * our migrator. Throws an EnvironmentError when the user may not, and where a stranger has
 * something in that schema, whose functions run with our rights.
 */
export async function migrateJobsSchema(
  pool: ReturnType<typeof openPool>,
  schema: string,
  options: Pick<RunnerOptions, "logger">,
): Promise<void> {
  const client = await pool.connect();
  try {
    await inTransaction(client, async () => {
      await refuseStrangers(inSchema(client, schema), {
        schema: jobsSchemaOf(schema),
        trustsQueueOwner: true,
      });
      await takeMigratorsLock(client, schema);
      await client.query("set local search_path to pg_catalog, pg_temp");
      const db = inSchema(client, jobsSchemaOf(schema));
      const before = await readObjects(db);
      await runMigrations({ ...options, pgPool: pool, schema: jobsSchemaOf(schema) });
      // Default privileges would let strangers in, whom the next start refuses.
      await closeNewObjects(db, before, { keepsItsOwn: true });
    });
  } catch (err) {
    throw codeOf(err) === "42501" ? await notAllowed(err, inSchema(pool, schema)) : err;
  } finally {
    client.release();
  }
}

/** Whether a later version has changed the schema since, so that this one cannot go on. */
export async function watchMigrations(db: Database): Promise<() => Promise<boolean>> {
  const newest = async () => {
    const [row] = await db.query<{ id: number | null }>({
      text: `select max(id) as id from ${jobsSchemaOf(db.schema)}.migrations where breaking`,
    });
    return row?.id ?? 0;
  };
  const known = await newest();
  return async () => (await newest()) > known;
}

async function notAllowed(cause: unknown, db: Database): Promise<EnvironmentError> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const roles = await readRoles(db).catch(() => null);
  return new EnvironmentError(
    `the jobs may not have schema ${jobsSchemaOf(db.schema)}: ${reason}`,
    {
      hint:
        `grant the user ${roles?.owner ?? "the queue's role …_owner"} and, for the first start, ` +
        "create on the database",
      exitCode: EXIT_CODES.config,
      cause,
    },
  );
}

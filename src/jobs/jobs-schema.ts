import { type RunnerOptions, runMigrations } from "graphile-worker";
import { DEFAULT_SCHEMA, inSchema } from "../postgres/database.ts";
import type { openPool } from "../postgres/pool.ts";
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
 * our migrator. Needs the right to make a schema when there is none.
 */
export async function migrateJobsSchema(
  pool: ReturnType<typeof openPool>,
  schema: string,
  options: Pick<RunnerOptions, "logger">,
): Promise<void> {
  const client = await pool.connect();
  try {
    await inTransaction(client, async () => {
      await inSchema(client, schema).query({
        text: "select pg_advisory_xact_lock(triaged.lock_key('migrate', 0))",
      });
      await runMigrations({ ...options, pgPool: pool, schema: jobsSchemaOf(schema) });
    });
  } finally {
    client.release();
  }
}

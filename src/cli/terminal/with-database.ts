import { userInfo } from "node:os";
import { locateDatabase } from "../../database/connection-file.ts";
import { type Database, inSchema } from "../../database/database.ts";
import { openPool } from "../../database/pool.ts";
import { namingRoles } from "../../database/roles/roles.ts";
import { readSchemaState, refuseUnmigrated } from "../../database/schema/state.ts";
import { inScratch, withSettings, withSnapshot } from "../../database/transaction.ts";
import { type Config, readConfig } from "../../settings/config.ts";
import type { DatabaseUrl } from "../../settings/database-url.ts";
import { createLogger } from "../../system/logger.ts";

/** One command does one thing at a time, and now and then asks a question beside it. */
const CONNECTIONS_MAX = 2;

/** What a command works with. */
export type Opened = {
  readonly db: Database;
  readonly config: Config;
  /** Where `db` is. */
  readonly database: DatabaseUrl;
  /** Look around in a transaction that is rolled back, as `inScratch` does. */
  readonly look: <Result>(ask: (db: Database) => Promise<Result>) => Promise<Result>;
  /** Run `work` in a transaction whose history rows name the person at the keyboard. */
  readonly asOperator: <Result>(
    work: (db: Database) => Promise<Result>,
    saying?: { readonly reason?: string | undefined },
  ) => Promise<Result>;
  /** Run `work` on one state of the database, and write nothing. */
  readonly inSnapshot: <Result>(work: (db: Database) => Promise<Result>) => Promise<Result>;
};

/**
 * Connect as configured, see that the schema fits this version, do the work, disconnect.
 * Throws an EnvironmentError for a schema or server that does not fit.
 */
export async function withDatabase<Result>(
  work: (opened: Opened) => Promise<Result>,
  config: Config = readConfig(),
): Promise<Result> {
  return await withAnySchema(async (opened) => {
    refuseUnmigrated(await readSchemaState(opened.db));
    return await work(opened);
  }, config);
}

/** The same without a look at the schema, for commands that are there to look at it. */
export async function withAnySchema<Result>(
  work: (opened: Opened) => Promise<Result>,
  config: Config = readConfig(),
): Promise<Result> {
  const database = await locateDatabase(config.connection);
  const pool = openPool(database, {
    role: "cli",
    pool: { ...config.pool, max: Math.min(CONNECTIONS_MAX, config.pool.max) },
    logger: createLogger({ level: config.logLevel, name: "cli" }),
  });
  const settings = {
    actor: actor(),
    door: "cli" as const,
    max_payload_bytes: config.maxPayloadBytes,
  };
  try {
    return await work({
      db: inSchema(pool, config.schema),
      config,
      database,
      look: (ask) => inScratch(pool, config.schema, ask),
      asOperator: (operate, { reason } = {}) =>
        withSettings(pool, config.schema, { ...settings, reason }, operate),
      inSnapshot: (look) => withSnapshot(pool, config.schema, look),
    });
  } catch (err) {
    throw await namingRoles(inSchema(pool, config.schema), err);
  } finally {
    await pool.end();
  }
}

function actor(): string {
  try {
    return `cli ${userInfo().username}`;
  } catch {
    return "cli"; // A user id without a name, as containers have.
  }
}

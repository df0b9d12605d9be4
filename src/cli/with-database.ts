import { userInfo } from "node:os";
import { type Config, readConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { type Database, inSchema } from "../postgres/database.ts";
import { openPool } from "../postgres/pool.ts";
import { locateDatabase } from "../postgres/saved-connection.ts";
import { readSchemaState, refuseUnmigrated } from "../postgres/schema-state.ts";
import { withSettings } from "../postgres/with-settings.ts";

/** What a command works with. */
export type Opened = {
  readonly db: Database;
  readonly config: Config;
  /** Run `work` in a transaction whose history rows name the person at the keyboard. */
  readonly asOperator: <Result>(work: (db: Database) => Promise<Result>) => Promise<Result>;
};

/**
 * Connect as configured, see that the schema fits this version, do the work, disconnect.
 * Throws an EnvironmentError for a schema or server that does not fit.
 */
export async function withDatabase<Result>(
  work: (opened: Opened) => Promise<Result>,
  config: Config = readConfig(),
): Promise<Result> {
  const logger = createLogger({ level: config.logLevel, name: "cli" });
  const pool = openPool(await locateDatabase(config.connection), {
    role: "cli",
    pool: { ...config.pool, max: Math.min(2, config.pool.max) },
    logger,
  });
  try {
    const db = inSchema(pool, config.schema);
    refuseUnmigrated(await readSchemaState(db));
    return await work({
      db,
      config,
      asOperator: (operate) =>
        withSettings(
          pool,
          config.schema,
          { actor: actor(), max_payload_bytes: config.maxPayloadBytes },
          operate,
        ),
    });
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

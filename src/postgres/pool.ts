import { type ClientBase, Pool } from "pg";
import type { Logger } from "pino";
import type { PoolConfig } from "../config.ts";
import { splitHosts } from "../database-hosts.ts";
import type { DatabaseUrl } from "../database-url.ts";
import { Client, type ConnectionConfig } from "./client.ts";
import { tlsOptions } from "./tls.ts";

const IDLE_MS_MAX = 300_000;
/** A connection is replaced after so many uses: its caches on the server grow. */
export const USES_MAX = 50_000;
/** TCP keepalive starts after so long, so that a vanished server is noticed. */
const KEEPALIVE_AFTER_MS = 10_000;

/**
 * A pool that no lost connection brings down: the query under way fails, the next one
 * connects again. `role` shows in pg_stat_activity as `triaged <role>`.
 *
 * No statement_timeout and the like are sent at connect: PgBouncer refuses a client that
 * brings them. Set them on the role: `alter role … set statement_timeout = …`. What the statements
 * of the queue depend on, the client sets (see there).
 */
export function openPool(
  database: DatabaseUrl,
  options: {
    role: string;
    pool: PoolConfig;
    logger: Logger;
    /** Sessions stay as their database sets them. @default false */
    isForHandlers?: boolean;
    /** A connection that is not needed for so long is closed. @default five minutes */
    idleMs?: number;
    /** Called with each new connection, before anybody has it. */
    onConnect?: (client: ClientBase) => Promise<void>;
  },
): Pool {
  const { role, pool: settings, logger, isForHandlers = false } = options;
  const { idleMs = IDLE_MS_MAX, onConnect } = options;
  const pool = new Pool({
    ...clientConfig(database, role),
    ...({ isForHandlers } satisfies ConnectionConfig),
    Client,
    max: settings.max,
    connectionTimeoutMillis: settings.acquireTimeoutMs,
    maxLifetimeSeconds: Math.ceil(settings.recycleMs / 1000),
    idleTimeoutMillis: idleMs,
    maxUses: USES_MAX,
    // oxlint-disable-next-line typescript/no-misused-promises -- The pool waits for it.
    ...(onConnect === undefined ? {} : { onConnect }),
  });
  const note = (err: Error) => logger.debug({ err }, "database connection lost");
  pool.on("error", note);
  // Between two queries of a client that is checked out, an error has no other listener,
  // and an "error" event without one ends the process.
  pool.on("connect", (client) => client.on("error", note));
  return pool;
}

/**
 * Have a server that ends idle sessions (`idle_session_timeout`) keep this one, which has locks or
 * listens, and is not idle because nobody needs it. For a session of its own, not a pooler's.
 */
export async function keepSession(client: ClientBase): Promise<void> {
  await client.query("set idle_session_timeout to 0");
}

/** How to open one connection, for what needs its own: LISTEN, session locks. Plain data. */
export function clientConfig(database: DatabaseUrl, role: string): ConnectionConfig {
  const { servers } = database;
  return {
    connectionString: splitHosts(database.url)?.first ?? database.url,
    ...(servers === null ? {} : { servers }),
    ssl: tlsOptions(database.tls),
    checkHostName: database.tls.mode !== "verify-ca",
    application_name: `triaged ${role}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
  };
}

/** Pools and single connections of the queue, and whether a pooler stands in between. */
import { type ClientBase, type ClientConfig, Pool } from "pg";
import type { Logger } from "pino";
import type { PoolConfig } from "../settings/config.ts";
import { type DatabaseUrl, splitHosts } from "../settings/database-url.ts";
import { type ConnectionConfig, DatabaseClient, tlsOptions } from "./connection.ts";

const IDLE_MS_MAX = 300_000;
/** A connection is replaced after so many uses: its caches on the server grow. */
export const USES_MAX = 50_000;
/** TCP keepalive starts after so long, so that a vanished server is noticed. */
const KEEPALIVE_AFTER_MS = 10_000;

/** How many connections a pool has, and how many wait for one. */
export type PoolUse = {
  readonly role: string;
  readonly max: number;
  readonly inUse: number;
  readonly idle: number;
  readonly waiting: number;
};

/** Those of this process that are not closed, by their roles; some roles have several. */
const OPEN = new Map<Pool, string>();

export function usesOfPools(): PoolUse[] {
  return [...OPEN].map(([pool, role]) => ({
    role,
    max: pool.options.max,
    inUse: pool.totalCount - pool.idleCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  }));
}

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
    Client: DatabaseClient,
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
  OPEN.set(pool, role);
  const end = pool.end.bind(pool);
  pool.end = async () => {
    OPEN.delete(pool);
    await end();
  };
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

/** A server that is connected and does not answer for so long is not there. */
const POOLER_ANSWER_MS_MAX = 3_000;

/**
 * Whether a pooler stands between, which may give each transaction another session: then no
 * statement may be prepared, and no lock or LISTEN of a session lasts. A pooler hands out a
 * key of its own for cancelling, so the pid that came with the connection is not that of
 * the server process. Also true of one in session mode, which is only less than it could be.
 *
 * Throws the driver's error when the database cannot be reached.
 */
export async function isPooled(connection: ClientConfig): Promise<boolean> {
  const client = new DatabaseClient({ ...connection, query_timeout: POOLER_ANSWER_MS_MAX });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    const announced: unknown = Reflect.get(client, "processID");
    return rows[0]?.pid !== announced;
  } finally {
    await client.end();
  }
}

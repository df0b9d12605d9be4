import type { Pool } from "pg";
import type { Logger } from "pino";
import { HistoryTail } from "../client/history-tail.ts";
import { TaskCache } from "../client/task-cache.ts";
import { noteStart, recordSignIns } from "../database/audit.ts";
import { locateDatabase } from "../database/connection-file.ts";
import { inSchema, ping } from "../database/database.ts";
import { DatabaseHealth } from "../database/health.ts";
import { openPool } from "../database/pool.ts";
import { getTask } from "../database/reader.ts";
import { Replica } from "../database/replica.ts";
import { Metrics } from "../metrics/metrics.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { needsKeys } from "../settings/gateway.ts";
import { startSettings } from "../settings/start-settings.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import type { ApplicationDoors, Dashboard } from "./gateway.ts";
import { type Caller, type KeyRing, readKeys } from "./keys.ts";
import { QueueDoor } from "./queue-door.ts";
import { buildGateway } from "./server.ts";
import { SignInLog } from "./sign-in-log.ts";

/** How long a request waits for a connection to the database. */
const CONNECTION_MS_MAX = 5_000;
/** The same to a standby: the primary is asked where that takes longer. */
const REPLICA_CONNECTION_MS_MAX = 2_000;
/** How long accepted requests have once the gateway is told to stop. */
const GRACE_MS = 10_000;
/** Who writes what nobody asked for. */
const ITSELF: Caller = { name: "gateway", role: "enqueue", requestsPerMinute: null };

/** The parts of a gateway that listens nowhere yet. */
export async function openGateway(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly application: ApplicationDoors;
  readonly dashboard: Dashboard | null;
  readonly anybody?: Caller;
}) {
  const { config, logger, application, dashboard, anybody } = options;
  const { schema, maxPayloadBytes } = config;
  const access = {
    ...(anybody === undefined ? {} : { anybody }),
    required: needsKeys(config.gateway),
    keys: readKeys(config.gateway),
    origins: config.gateway.corsOrigins,
  };
  const pools = await openPools(config, logger);
  const replica = await openReplica(config, logger);
  const door = (pool: Pool, reads: Replica | null = null) =>
    new QueueDoor({ pool, schema, maxPayloadBytes, logger, replica: reads });
  const queue = door(pools.requests, replica?.reads);
  const events = followHistory(door(pools.events), queue, logger);
  const tasks = new TaskCache({
    tail: events,
    read: (taskId) => queue.read((db) => getTask(db, taskId, { decimals: "kept" })),
  });
  const metrics = new Metrics({
    process: "gateway",
    queue: { pool: pools.metrics, schema, logger, replica: replica?.reads ?? null },
    cachedReads: () => tasks.counts,
  });
  const health = new DatabaseHealth({
    ask: () => ping(inSchema(pools.health, schema, { answerMsMax: pools.acquireTimeoutMs })),
    logger,
  });
  const signIns = signInLog(queue, logger);
  const app = await buildGateway(
    {
      access,
      queue,
      health,
      replica: replica?.reads ?? null,
      metrics,
      events,
      signIns,
      tasks,
      maxPayloadBytes,
      allowPrivate: config.effects.allowPrivate,
      schedulesFile: config.schedulesFile,
      application,
      dashboard,
      publicUrl: config.gateway.publicUrl,
    },
    { logger },
  );
  const close = async () => {
    await waitAtMost(GRACE_MS, app.close());
    app.server.closeAllConnections();
    await waitAtMost(CONNECTION_MS_MAX, signIns.close());
    tasks.close();
    await events.close();
    metrics.close();
    await Promise.all([pools.end(), replica?.end()]);
  };
  const tellStart = () => tellOfStart(queue, config, access.keys, logger);
  return { app, queue, health, replica: replica?.reads ?? null, tellStart, close };
}

function signInLog(queue: QueueDoor, logger: Logger): SignInLog {
  return new SignInLog({
    write: (attempts) => queue.write(ITSELF, (db) => recordSignIns(db, attempts)),
    logger,
  });
}

/** Write to the audit log what differs from the last start. */
async function tellOfStart(
  queue: QueueDoor,
  config: Config,
  keys: KeyRing,
  logger: Logger,
): Promise<void> {
  const start = { process: "gateway", settings: startSettings(config), keys: keys.known } as const;
  await noteStart((work) => queue.write(ITSELF, work), start, logger);
}

/**
 * Requests share one; what watches has a connection of its own, opened when it is used, so that
 * requests which hold all of theirs make nobody blind.
 */
async function openPools(config: Config, logger: Logger) {
  const database = await locateDatabase(config.connection);
  const acquireTimeoutMs = Math.min(CONNECTION_MS_MAX, config.pool.acquireTimeoutMs);
  const open = (role: string, max: number) =>
    openPool(database, { role, pool: { ...config.pool, max, acquireTimeoutMs }, logger });
  const pools = {
    requests: open("gateway", config.pool.max),
    health: open("gateway health", 1),
    events: open("gateway events", 1),
    metrics: open("gateway metrics", 1),
  };
  const end = async () => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  };
  return { ...pools, acquireTimeoutMs, end };
}

/**
 * Where DATABASE_REPLICA_URL names standbys: as many connections for reads as the primary has for
 * requests, and one to each server for looks. One that does not answer is soon given up.
 */
async function openReplica(config: Config, logger: Logger) {
  if (config.replica === null) {
    return null;
  }
  const { schema } = config;
  const { database, lagMsMax } = config.replica;
  const primary = await locateDatabase(config.connection);
  const open = (at: DatabaseUrl, role: string, max: number) =>
    openPool(at, {
      role,
      pool: { ...config.pool, max, acquireTimeoutMs: REPLICA_CONNECTION_MS_MAX },
      logger,
    });
  const pools = {
    pool: open(database, "gateway reads", config.pool.max),
    looks: open(database, "gateway replica", 1),
    primary: open(primary, "gateway replica", 1),
  };
  return {
    reads: new Replica({ ...pools, schema, lagMsMax, logger }),
    end: async () => {
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}

function followHistory(door: QueueDoor, missed: QueueDoor, logger: Logger): HistoryTail {
  return new HistoryTail({
    read: (work) => door.read(work),
    readMissed: (work) => missed.read(work),
    onAway: (err) => {
      if (err === null) {
        logger.info("history is followed again");
      } else {
        logger.warn({ err }, "history cannot be followed; streams wait");
      }
    },
  });
}

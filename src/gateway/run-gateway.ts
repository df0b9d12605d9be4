import { once } from "node:events";
import type { Logger } from "pino";
import { HistoryTail } from "../client/history-tail.ts";
import { TaskCache } from "../client/task-cache.ts";
import { locateDatabase } from "../database/connection-file.ts";
import { inSchema, ping } from "../database/database.ts";
import { openPool } from "../database/pool.ts";
import { getTask } from "../database/reader.ts";
import { DatabaseLink } from "../database/reconnect.ts";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import type { Config } from "../settings/config.ts";
import { type GatewayConfig, needsKeys } from "../settings/gateway.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import { sleep } from "../system/waiting.ts";
import { DatabaseHealth } from "./database-health.ts";
import type { Gateway } from "./gateway.ts";
import { readKeys } from "./keys.ts";
import { QueueDoor } from "./queue-door.ts";
import { buildGateway } from "./server.ts";

/** How long a request waits for a connection to the database. */
const CONNECTION_MS_MAX = 5_000;
/** How long accepted requests have once the gateway is told to stop. */
const GRACE_MS = 10_000;
/** A port that a process which is about to end still has is waited for so long. */
const LISTEN_MS_MAX = 5_000;
const LISTEN_AGAIN_MS = 250;

/**
 * Serve until `stop` aborts; then take no connection more, end what was accepted, and close. Listens
 * before the database answers, and says by `/ready` that it does not. Throws an EnvironmentError for
 * an address that cannot be had, and for a schema that does not fit this version.
 */
export async function runGateway(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly stop: AbortSignal;
}): Promise<void> {
  const { config, logger, stop } = options;
  const { app, queue, health, close } = await openGateway(config, logger);
  const closing = new AbortController();
  try {
    await listen(app, config.gateway);
    const watching = health.watch(closing.signal);
    await new DatabaseLink(logger).run(() => queue.open(), stop);
    if (!stop.aborted) {
      await once(stop, "abort");
    }
    logger.info("told to stop: ending the requests that were accepted");
    closing.abort();
    await watching;
  } catch (err) {
    if (!stop.aborted) {
      throw err;
    }
  } finally {
    closing.abort();
    await close();
  }
}

/** The parts of a gateway that listens nowhere yet. */
async function openGateway(config: Config, logger: Logger) {
  const access = { required: needsKeys(config.gateway), keys: readKeys(config.gateway) };
  const database = await locateDatabase(config.connection);
  const acquireTimeoutMs = Math.min(CONNECTION_MS_MAX, config.pool.acquireTimeoutMs);
  const pool = openPool(database, {
    role: "gateway",
    pool: { ...config.pool, acquireTimeoutMs },
    logger,
  });
  // A connection of its own: requests that hold all others do not make the database look dead.
  const healthPool = openPool(database, {
    role: "gateway health",
    pool: { ...config.pool, max: 1, acquireTimeoutMs },
    logger,
  });
  // Likewise, of which there is none until somebody follows.
  const eventsPool = openPool(database, {
    role: "gateway events",
    pool: { ...config.pool, max: 1, acquireTimeoutMs },
    logger,
  });
  const { schema, maxPayloadBytes } = config;
  const queue = new QueueDoor({ pool, schema, maxPayloadBytes, logger });
  const eventsDoor = new QueueDoor({ pool: eventsPool, schema, maxPayloadBytes, logger });
  const events = new HistoryTail({
    read: (work) => eventsDoor.read(work),
    readMissed: (work) => queue.read(work),
    onAway: (err) => {
      if (err === null) {
        logger.info("history is followed again");
      } else {
        logger.warn({ err }, "history cannot be followed; streams wait");
      }
    },
  });
  const health = new DatabaseHealth({
    ask: () => ping(inSchema(healthPool, config.schema, { answerMsMax: acquireTimeoutMs })),
    logger,
  });
  const tasks = new TaskCache({
    tail: events,
    read: (taskId) => queue.read((db) => getTask(db, taskId, { decimals: "kept" })),
  });
  const app = await buildGateway(
    {
      access,
      queue,
      health,
      events,
      tasks,
      maxPayloadBytes,
      allowPrivate: config.effects.allowPrivate,
      schedulesFile: config.schedulesFile,
    },
    { logger },
  );
  const close = async () => {
    await waitAtMost(GRACE_MS, app.close());
    app.server.closeAllConnections();
    tasks.close();
    await events.close();
    await Promise.all([pool.end(), healthPool.end(), eventsPool.end()]);
  };
  return { app, queue, health, close };
}

/** Listen, and say where in the log. */
async function listen(
  app: Gateway,
  { host, port }: Pick<GatewayConfig, "host" | "port">,
): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    try {
      await app.listen({
        host,
        port,
        listenTextResolver: (address) => `the gateway listens at ${address}`,
      });
      return;
    } catch (err) {
      const isTaken = hasCode(err, "EADDRINUSE");
      if (!isTaken || performance.now() - startedMs > LISTEN_MS_MAX) {
        throw explained(err, { host, port });
      }
      await sleep(LISTEN_AGAIN_MS, new AbortController().signal);
    }
  }
}

function explained(cause: unknown, { host, port }: Pick<GatewayConfig, "host" | "port">): unknown {
  const say = (message: string, hint: string) =>
    new EnvironmentError(message, { hint, exitCode: EXIT_CODES.config, cause });
  if (hasCode(cause, "EADDRINUSE")) {
    return say(
      `port ${port} of ${host} is taken by another process`,
      "set PORT to another one (0: any that is free), or stop what listens there",
    );
  }
  if (hasCode(cause, "EACCES")) {
    return say(`this user may not listen at port ${port}`, "set PORT to one above 1023");
  }
  if (hasCode(cause, "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EINVAL")) {
    return say(
      `HOST=${host} is no address of this machine`,
      "unset HOST for 127.0.0.1, or name an address of this machine, such as 0.0.0.0 for all",
    );
  }
  return cause;
}

import type { Logger } from "pino";
import type { PoolConfig, WorkerConfig } from "../config.ts";
import type { DatabaseUrl } from "../database-url.ts";
import type { Handler } from "../handler.ts";
import { type Database, inSchema } from "../postgres/database.ts";
import { Doorbell } from "../postgres/doorbell.ts";
import { clientConfig, openPool } from "../postgres/pool.ts";
import { isPooled } from "../postgres/pooler.ts";
import { readSchemaState, refuseUnmigrated } from "../postgres/schema-state.ts";
import type { LogLevel } from "../settings.ts";
import { waitAtMost } from "../wait-at-most.ts";
import { DatabaseLink } from "./database-link.ts";
import { type IncarnationEnd, runIncarnation } from "./incarnation.ts";
import { loadHandlers } from "./load-handlers.ts";
import { type ClientPool, handlerOfPlainTask } from "./plain-task.ts";
import { trapStrayErrors } from "./stray-errors.ts";

/** For the sessions of doorbell and heartbeat; they try again. */
const CONNECT_MS_MAX = 5_000;
/** A database that has not answered by then, at the start, is an error of the settings. */
const START_MS_MAX = 3_000;
/** No statement of a worker takes so long; then its server, or the way to it, is gone. */
const ANSWER_MS_MAX = 60_000;
/** What connections get to close. The process ends after that. */
const CLOSE_MS_MAX = 1_000;

export type DaemonOptions = {
  readonly database: DatabaseUrl;
  /** For LISTEN, heartbeat and session lock, where `database` is a pooler; else null. */
  readonly direct: DatabaseUrl | null;
  readonly schema: string;
  readonly pool: PoolConfig;
  readonly worker: WorkerConfig & { readonly tasksFolder: string };
  readonly maxRescues: number;
  readonly maxResultBytes: number;
  readonly logger: Logger;
  readonly logLevel: LogLevel;
  /** Work off what is due, then end. */
  readonly drain: boolean;
  /** Stop in good order: claim nothing more, finish or release what is held. */
  readonly stop: AbortSignal;
  /** Stop at once: release what is held, wait for nothing. */
  readonly kill: AbortSignal;
};

/**
 * Run a worker until it is told to stop or, with `drain`, until nothing is due. A worker
 * that was declared dead starts over as a new incarnation. Throws an EnvironmentError for
 * handlers that do not load, a schema that does not fit and a handler that hangs, and the
 * driver's error for a database that cannot be reached for three seconds at the start; later
 * on it waits for the database for ever.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { database, direct, schema, logger, worker } = options;
  const loaded = await loadHandlers(worker.tasksFolder);
  const pool = openPool(database, { role: "worker", pool: options.pool, logger });
  // Apart, lest task files that keep a connection leave none to claim and to settle with.
  const taskPool = openPool(database, {
    role: "task",
    pool: options.pool,
    logger,
    isForHandlers: true,
  });
  const connection = {
    ...clientConfig(direct ?? database, "worker session"),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  };
  const link = new DatabaseLink(logger);
  const doorbell = new Doorbell(connection, schema);
  doorbell.on("lost", (err) => logger.debug({ err }, "doorbell lost; polling"));
  const fatal = Promise.withResolvers<never>();
  fatal.promise.catch(() => undefined);
  const releaseTraps = trapStrayErrors(logger, (err) => fatal.reject(err));
  try {
    const reachable = AbortSignal.any([options.stop, AbortSignal.timeout(START_MS_MAX)]);
    const first = { ...clientConfig(database, "worker"), connectionTimeoutMillis: START_MS_MAX };
    const prepare = !(await link.run(() => isPooled(first), reachable));
    const hasSessions = direct === null ? prepare : !(await isPooled(connection));
    const db = inSchema(pool, schema, { prepare, answerMsMax: ANSWER_MS_MAX });
    refuseUnmigrated(await readSchemaState(db));
    if (hasSessions) {
      void doorbell.run();
    } else {
      logger.warn(
        { hint: "set DATABASE_DIRECT_URL to the server itself" },
        "a pooler stands before the database: polling, and a crash is noticed by the lease alone",
      );
    }
    const handlers = allHandlers(loaded, { db, pool: taskPool });
    const taskDb = inSchema(taskPool, schema, { prepare: false, answerMsMax: ANSWER_MS_MAX });
    await Promise.race([
      runIncarnations(options, { db, taskDb, link, doorbell, connection, hasSessions, handlers }),
      fatal.promise,
    ]);
  } finally {
    releaseTraps();
    // A handler that hangs may keep a connection, and a server may not say goodbye.
    const closed = [doorbell.close(), pool.end(), taskPool.end()];
    await waitAtMost(CLOSE_MS_MAX, Promise.allSettled(closed));
  }
}

async function runIncarnations(
  options: DaemonOptions,
  deps: {
    db: Database;
    taskDb: Database;
    link: DatabaseLink;
    doorbell: Doorbell;
    connection: ReturnType<typeof clientConfig>;
    hasSessions: boolean;
    handlers: ReadonlyMap<string, Handler>;
  },
): Promise<void> {
  const { logger, worker, stop, kill, drain, maxRescues, maxResultBytes } = options;
  let end: IncarnationEnd;
  do {
    end = await runIncarnation({
      ...deps,
      logger,
      logLevel: options.logLevel,
      name: worker.name,
      queues: worker.queues,
      concurrency: worker.concurrency,
      pollIntervalMs: worker.pollIntervalMs,
      graceMs: worker.shutdownGraceMs,
      maxRescues,
      resultBytesMax: maxResultBytes,
      drain,
      stop,
      kill,
    });
  } while (end === "dead" && !stop.aborted);
}

function allHandlers(
  { handlers, plainTasks }: Awaited<ReturnType<typeof loadHandlers>>,
  access: { db: Database; pool: ClientPool },
): ReadonlyMap<string, Handler> {
  const plain = [...plainTasks].map(
    ([type, run]) => [type, handlerOfPlainTask(run, access)] as const,
  );
  return new Map([...handlers, ...plain]);
}

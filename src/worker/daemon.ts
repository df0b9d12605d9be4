/**
 * `triaged work`: handlers, connections, and one worker process after the other until it is told to
 * stop.
 */

import type { Logger } from "pino";
import { noteStart } from "../database/audit.ts";
import { type Database, inSchema, ping } from "../database/database.ts";
import { DatabaseHealth } from "../database/health.ts";
import { NotificationListener } from "../database/listener.ts";
import { clientConfig, isPooled, openPool } from "../database/pool.ts";
import { DatabaseLink } from "../database/reconnect.ts";
import { readSchemaState, refuseUnmigrated } from "../database/schema/state.ts";
import type { Handler } from "../model/handler.ts";
import type { PoolConfig, WorkerConfig } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import type { LogLevel } from "../settings/variables.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import { currentAttempt } from "./attempt.ts";
import { type ClientPool, handlerOfPlainTask, loadHandlers } from "./handlers.ts";
import { runWorkerProcess, type WorkerProcessEnd } from "./process.ts";

/** For the sessions of listener and heartbeat; they try again. */
const CONNECT_MS_MAX = 5_000;
/** A database that has not answered by then, at the start, is an error of the settings. */
const START_MS_MAX = 3_000;
/** No statement of a worker takes so long; then its server, or the way to it, is gone. */
const ANSWER_MS_MAX = 60_000;
/** The same for the questions whether the database answers, each of which has a connection. */
const HEALTH_ANSWER_MS_MAX = 5_000;
/** What connections get to close. The process ends after that. */
const CLOSE_MS_MAX = 1_000;

type DaemonOptions = {
  readonly database: DatabaseUrl;
  /** For LISTEN, heartbeat and session lock, where `database` is a pooler; else null. */
  readonly direct: DatabaseUrl | null;
  readonly schema: string;
  readonly pool: PoolConfig;
  readonly worker: WorkerConfig & { readonly tasksFolder: string };
  /** What the audit log compares with the last start. @default nothing is compared */
  readonly settings?: Readonly<Record<string, string>>;
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
 * that was declared dead starts over as a new worker process. Throws an EnvironmentError for
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
  const listener = new NotificationListener(connection, schema);
  listener.on("lost", (err) => logger.debug({ err }, "listener lost its connection; polling"));
  const closing = new AbortController();
  const fatal = Promise.withResolvers<never>();
  fatal.promise.catch(() => undefined);
  const releaseTraps = trapStrayErrors(logger, (err) => fatal.reject(err));
  try {
    const reachable = AbortSignal.any([options.stop, AbortSignal.timeout(START_MS_MAX)]);
    const first = { ...clientConfig(database, "worker"), connectionTimeoutMillis: START_MS_MAX };
    const prepare = !(await link.run(() => isPooled(first), reachable, { triesOnAbort: true }));
    const hasSessions = direct === null ? prepare : !(await isPooled(connection));
    const db = inSchema(pool, schema, { prepare, answerMsMax: ANSWER_MS_MAX });
    refuseUnmigrated(await readSchemaState(db));
    if (options.settings !== undefined) {
      await noteStart(
        (work) => work(db),
        { process: "worker", settings: options.settings },
        logger,
      );
    }
    if (hasSessions) {
      void listener.run();
    } else {
      logger.warn(
        { hint: "set DATABASE_DIRECT_URL to the server itself" },
        "a pooler stands before the database: polling, and a crash is noticed by the lease alone",
      );
    }
    const handlers = allHandlers(loaded, { db, pool: taskPool });
    const taskDb = inSchema(taskPool, schema, { prepare: false, answerMsMax: ANSWER_MS_MAX });
    const healthDb = inSchema(pool, schema, { prepare, answerMsMax: HEALTH_ANSWER_MS_MAX });
    const health = new DatabaseHealth({ ask: () => ping(healthDb), logger });
    void health.watch(closing.signal);
    await Promise.race([
      runWorkerProcesses(options, {
        db,
        taskDb,
        link,
        health,
        listener,
        connection,
        hasSessions,
        handlers,
      }),
      fatal.promise,
    ]);
  } finally {
    releaseTraps();
    closing.abort();
    // A handler that hangs may keep a connection, and a server may not say goodbye.
    const closed = [listener.close(), pool.end(), taskPool.end()];
    await waitAtMost(CLOSE_MS_MAX, Promise.allSettled(closed));
  }
}

async function runWorkerProcesses(
  options: DaemonOptions,
  deps: {
    db: Database;
    taskDb: Database;
    link: DatabaseLink;
    health: DatabaseHealth;
    listener: NotificationListener;
    connection: ReturnType<typeof clientConfig>;
    hasSessions: boolean;
    handlers: ReadonlyMap<string, Handler>;
  },
): Promise<void> {
  const { logger, worker, stop, kill, drain, maxRescues, maxResultBytes } = options;
  let end: WorkerProcessEnd;
  do {
    end = await runWorkerProcess({
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

/**
 * Errors that handlers let escape: of a callback, or of a promise that nobody awaits. One
 * that can be told to belong to an attempt fails that attempt; any other one ends the
 * worker by `onFatal`, because nobody knows what state it left behind. A call of
 * process.exit inside a handler fails the attempt too, and does not end the worker.
 *
 * Returns a function that takes the traps away.
 */
function trapStrayErrors(logger: Logger, onFatal: (err: unknown) => void): () => void {
  const onStray = (err: unknown) => {
    const attempt = currentAttempt.getStore();
    if (attempt === undefined) {
      logger.fatal({ err }, "an error that nobody caught");
      onFatal(err);
    } else {
      const { taskId, taskType } = attempt.task;
      logger.error({ err, taskId, taskType }, "an error that the handler let escape");
      attempt.fail(err);
    }
  };
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);

  const exit = process.exit.bind(process);
  process.exit = (code) => {
    if (currentAttempt.getStore() === undefined) {
      return exit(code);
    }
    throw new Error(`the handler called process.exit(${code ?? ""}); throw an error instead`);
  };

  return () => {
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onStray);
    process.exit = exit;
  };
}

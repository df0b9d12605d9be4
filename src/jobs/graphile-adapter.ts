/**
 * What stands between graphile-worker and the rest: its events as promises, its notifications
 * limited and checked, its log lines among ours, its schema migrated under our lock.
 */
import { type EventEmitter, once } from "node:events";
import {
  Logger as GraphileLogger,
  type RunnerOptions,
  runMigrations,
  type WorkerEvents,
} from "graphile-worker";
import type { ClientBase } from "pg";
import type { Logger } from "pino";
import { z } from "zod";
import { type Database, inSchema } from "../database/database.ts";
import { jobsSchemaOf } from "../database/graphile-tables.ts";
import { takeMigratorsLock } from "../database/migrate/lock.ts";
import type { openPool } from "../database/pool.ts";
import { readObjects } from "../database/privileges/catalog.ts";
import { closeNewObjects } from "../database/privileges/compare.ts";
import { readRoles } from "../database/roles/roles.ts";
import { refuseStrangers } from "../database/roles/strangers.ts";
import { codeOf, isTransient } from "../database/sqlstate.ts";
import { inTransaction, useBareSearchPath } from "../database/transaction.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";

/** What graphile-worker's events tell of its state. */
type RunnerWatch = {
  /** Resolves when it has asked for a job, and missed runs are enqueued. */
  readonly ready: Promise<unknown>;
  /** Resolves with the first error that is not a job's. */
  readonly failure: Promise<unknown>;
  readonly hasFailed: () => boolean;
  /** Report a failure that it does not know of. */
  readonly fail: (err: unknown) => void;
  /** Resolves with the name under which the runner holds jobs. */
  readonly runnerId: Promise<string>;
  /** The connection on which it listens, once it does. */
  readonly listener: () => ClientBase | null;
  /**
   * Resolves when it asks for no job. To stop it while it asks is safe, but where the question
   * fails it prints a stack trace, past every logger. (It still prints one when it stops itself,
   * as it does when it cannot record the end of a job.)
   */
  readonly idle: () => Promise<void>;
};

/** How a question for a job ends. */
const ANSWERS = ["worker:getJob:empty", "worker:getJob:error", "job:start"] as const;

/** Begin to watch a runner, before it starts. */
export function watchRunner(events: WorkerEvents): RunnerWatch {
  const failure = Promise.withResolvers<unknown>();
  let hasFailed = false;
  const fail = (err: unknown) => {
    hasFailed = true;
    failure.resolve(err);
  };
  for (const name of ["pool:listen:error", "worker:getJob:error", "pool:fatalError"] as const) {
    events.on(name, ({ error }) => fail(error));
  }
  const runnerId = Promise.withResolvers<string>();
  events.on("pool:create", ({ workerPool }) => runnerId.resolve(workerPool.id));
  let listener: ClientBase | null = null;
  events.on("pool:listen:success", ({ client }) => {
    listener = client;
  });
  const asking = new Set<unknown>();
  events.on("worker:getJob:start", ({ worker }) => asking.add(worker));
  for (const name of ANSWERS) {
    events.on(name, ({ worker }) => asking.delete(worker));
  }
  return {
    ready: Promise.all([
      onceAny(events, ["worker:getJob:empty", "job:start"]),
      once(events, "cron:started"),
    ]),
    failure: failure.promise,
    hasFailed: () => hasFailed,
    fail,
    runnerId: runnerId.promise,
    listener: () => listener,
    idle: async () => {
      while (asking.size > 0) {
        await onceAny(events, ANSWERS);
      }
    },
  };
}

async function onceAny(events: EventEmitter, names: readonly string[]): Promise<void> {
  const first = new AbortController();
  const { signal } = first;
  try {
    await Promise.race(names.map((name) => once(events, name, { signal })));
  } finally {
    first.abort();
  }
}

/** At most this often a notification of new jobs is passed on: one for all that came meanwhile. */
const WAKE_UP_MS = 100;
/** At most this often a notification of a migration is looked into. */
const MIGRATED_MS = 1_000;

const Notification = z.object({ channel: z.string() });

/**
 * Stand between the server and graphile-worker's listener, on a client of its pool. Anybody who
 * may connect can notify: each `jobs:insert` is a question for a job, and a `worker:migrate` that
 * says so stops the runner and sets the exit code of the process. Here the former asks each worker
 * of the runner once, for all that came, and the latter counts where `isOutdated` confirms it.
 */
export function guardNotifications(
  client: ClientBase,
  { isOutdated }: { isOutdated: () => Promise<boolean> },
): void {
  const emit = client.emit.bind(client);
  const pass = (channel: string, payload: object) => {
    emit("notification", { channel, payload: JSON.stringify(payload) });
  };
  const wakeUp = atMostEvery(WAKE_UP_MS, () => {
    pass("jobs:insert", { count: Number.MAX_SAFE_INTEGER });
  });
  const migrated = atMostEvery(MIGRATED_MS, () => {
    void isOutdated().then(
      (yes) => yes && pass("worker:migrate", { breaking: true }),
      () => false, // The runner meets a lost database by itself.
    );
  });
  client.emit = (name, ...said) => {
    if (name !== "notification") {
      return emit(name, ...said);
    }
    const { data } = Notification.safeParse(said[0]);
    if (data?.channel === "jobs:insert") {
      wakeUp();
    } else if (data?.channel === "worker:migrate") {
      migrated();
    }
    return true;
  };
}

/** Call it now, or once when that time is over since the last call. */
function atMostEvery(ms: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  const run = () => {
    isAsked = false;
    call();
    timer = setTimeout(() => {
      timer = undefined;
      if (isAsked) run();
    }, ms).unref();
  };
  return () => {
    isAsked = true;
    if (timer === undefined) run();
  };
}

/**
 * graphile-worker's log lines in ours, one level down: it reports each job and each
 * connection, and we do so ourselves. Only what nobody else reports is a warning, and nothing
 * while the session ends, since it ends for a reason that was reported. What graphile-worker
 * attaches to a line holds jobs with their payloads, and is left out.
 */
export function graphileLogger(
  logger: Logger,
  { isEnding }: { isEnding: () => boolean },
): GraphileLogger {
  return new GraphileLogger(() => (level, message, meta) => {
    const err = meta?.["error"];
    const line = err === undefined ? {} : { err };
    switch (level) {
      case "error":
      case "warning": {
        const reported = isEnding() || meta?.["failure"] === true || isTransient(err);
        return logger[reported ? "debug" : "warn"](line, message);
      }
      case "info":
        return logger.debug(line, message);
      case "debug":
        return logger.trace(line, message);
    }
  });
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
      await useBareSearchPath(client);
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

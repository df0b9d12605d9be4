/**
 * One session: graphile-worker from a start to its end, on a pool of its own.
 *
 * Left alone, it recovers from a lost connection part by part, each with a backoff of its own of
 * up to two minutes and a log line for each try, and a completion that fails ends the process as
 * an unhandled rejection. So the first failure ends the session; runner.ts starts another one
 * when the database answers.
 */
import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import {
  type ParsedCronItem,
  parseCronItems,
  type Runner,
  type RunnerOptions,
  run,
  type TaskList,
  type WorkerEvents,
} from "graphile-worker";
import type { ClientBase } from "pg";
import type { Logger } from "pino";
import { DatabaseClient } from "../database/connection.ts";
import { type Database, inSchema, ping } from "../database/database.ts";
import {
  holdRunnerLock,
  jobsSchemaOf,
  unlockDeadRunners,
  watchMigrations,
} from "../database/graphile-tables.ts";
import { keepSession, openPool } from "../database/pool.ts";
import { readSchemaState, refuseUnmigrated } from "../database/schema/state.ts";
import { withSnapshot } from "../database/transaction.ts";
import { isRecord } from "../model/json.ts";
import type { PoolConfig } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import type { Schedule } from "./crontab.ts";
import {
  graphileLogger,
  guardNotifications,
  migrateJobsSchema,
  watchRunner,
} from "./graphile-adapter.ts";
import { type EffectJobs, type JobContext, type MaintenanceJob, runJobLogged } from "./job.ts";
import {
  ENQUEUE_SCHEDULED,
  enqueueScheduledTask,
  scheduleItemsOf,
  withCatchUp,
} from "./scheduled-tasks.ts";

/** Jobs at a time: a host that does not answer an effect must not hold up the rest. */
const CONCURRENCY = 4;
/** For LISTEN, the lock, the cron, and the jobs that run. With fewer they stand still. */
const CONNECTIONS = 3 + CONCURRENCY;
/** A job that runs is told to stop after so long, and left alone after STOP_MS_MAX. */
const JOB_ABORT_MS = 2_000;
const STOP_MS_MAX = 5_000;
const IDLE_MS_MAX = 1_000;
const POOL_END_MS_MAX = 1_000;
/** Shorter than what routers wait before they drop an idle connection without a word. */
const POOL_IDLE_MS_MAX = 10_000;
/** The connections that wait for something are asked this often whether they are there. */
const PING_MS = 3_000;
/** A server that takes longer is as good as gone. */
const ANSWER_MS_MAX = 5_000;

export type SessionOptions = {
  /** Must not be a pooler that takes the session away between two statements. */
  readonly database: DatabaseUrl;
  readonly schema: string;
  readonly pool: PoolConfig;
  readonly jobs: readonly MaintenanceJob[];
  readonly effects: EffectJobs;
  /** Of the tasks that are enqueued by the clock. */
  readonly schedules: readonly Schedule[];
  /** Called before any job runs. */
  readonly beforeRun: (db: Database) => Promise<void>;
  /** How long, in milliseconds, this process has been there to run the schedules. */
  readonly thereSinceMs: () => number;
  readonly logger: Logger;
};

export type Session = {
  /** Resolves with what went wrong. The session is of no use then; stop it. */
  readonly failure: Promise<unknown>;
  /** Give running jobs some seconds to end. Never throws. */
  readonly stop: () => Promise<void>;
};

/**
 * Resolves when the database answered and missed runs are enqueued. Throws what prevents it: the
 * driver's error, or an EnvironmentError for a schema that does not fit.
 */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { database, schema, logger } = options;
  const pool = openPool(database, {
    role: "jobs",
    pool: { ...options.pool, max: CONNECTIONS },
    logger,
    idleMs: POOL_IDLE_MS_MAX,
    onConnect: keepSession,
  });
  let isOutdated: (() => Promise<boolean>) | null = null;
  pool.on("connect", (client) =>
    guardNotifications(client, { isOutdated: async () => (await isOutdated?.()) === true }),
  );
  const events: WorkerEvents = new EventEmitter();
  const { ready, failure, hasFailed, fail, runnerId, listener, idle } = watchRunner(events);
  let isEnding = false;
  // Latest first: the lock goes when the runner is gone.
  const releases: (() => void | Promise<void>)[] = [() => waitAtMost(POOL_END_MS_MAX, pool.end())];
  const stop = async () => {
    isEnding = true;
    for (const release of releases) {
      await release();
    }
  };
  try {
    const db = inSchema(pool, schema);
    refuseUnmigrated(await readSchemaState(db));
    await options.beforeRun(db);
    const graphileOptions = {
      logger: graphileLogger(logger, { isEnding: () => isEnding || hasFailed() }),
    };
    await migrateJobsSchema(pool, schema, graphileOptions);
    isOutdated = await watchMigrations(db);

    const keeper = await pool.connect();
    keeper.once("error", fail);
    releases.unshift(() => keeper.release(true));
    const stopPinging = new AbortController();
    void pingNowAndThen(schema, () => [keeper, listener()], stopPinging.signal).catch(fail);
    releases.unshift(() => stopPinging.abort());
    const runner = await run({
      ...graphileOptions,
      ...RUNNER_OPTIONS,
      pgPool: pool,
      schema: jobsSchemaOf(schema),
      taskList: {
        ...taskListOf(options, db, (work) => withSnapshot(pool, schema, work)),
        [ENQUEUE_SCHEDULED]: enqueueScheduledTask({ db, logger }),
      },
      parsedCronItems: withCatchUp(
        [...cronItemsOf(options.jobs), ...scheduleItemsOf(options.schedules)],
        options.thereSinceMs,
      ),
      events,
    });
    releases.unshift(() => endRunner(runner, idle));
    await holdRunnerLock(inSchema(keeper, schema), await runnerId);

    const ended = runner.promise.then(() => new Error("graphile-worker ended"), toReason);
    const failed = Promise.race([failure, ended]);
    await Promise.race([ready, failed.then(raise)]);
    await unlockDeadRunners(db);
    await addJobsAtStart(runner, options.jobs);
    releases.unshift(addInIntervals(runner, options.jobs, fail));
    return { failure: failed, stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

const RUNNER_OPTIONS: RunnerOptions = {
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  // Behind a pooler, the statement may be prepared in another session.
  noPreparedStatements: true,
  gracefulShutdownAbortTimeout: JOB_ABORT_MS,
  // Not for speed: only what is sent in batches has its errors caught and reported.
  preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
};

async function endRunner(runner: Runner, idle: () => Promise<void>): Promise<void> {
  await waitAtMost(IDLE_MS_MAX, idle());
  // A runner that ends by itself refuses to stop; its promise says when it has ended.
  await waitAtMost(
    STOP_MS_MAX,
    runner.stop().catch(() => runner.promise),
  );
}

/** Ask the connections now and then, until the signal aborts. Throws where one does not answer. */
async function pingNowAndThen(
  schema: string,
  clients: () => readonly (ClientBase | null)[],
  signal: AbortSignal,
): Promise<void> {
  const ask = async (client: ClientBase | null) => {
    try {
      if (client !== null) await ping(inSchema(client, schema, { answerMsMax: ANSWER_MS_MAX }));
    } catch (err) {
      // Not awaited: the server does not answer.
      if (client instanceof DatabaseClient) void client.end().catch(() => undefined);
      throw err;
    }
  };
  for (;;) {
    await delay(PING_MS, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) {
      return;
    }
    await Promise.all(clients().map(ask));
  }
}

function toReason(err: unknown): unknown {
  return err;
}

function raise(err: unknown): never {
  throw err;
}

/** The code of the jobs and of the deliveries, by the names that graphile-worker knows. */
function taskListOf(
  { jobs, effects, logger }: Pick<SessionOptions, "jobs" | "effects" | "logger">,
  db: Database,
  inSnapshot: NonNullable<JobContext["inSnapshot"]>,
): TaskList {
  const maintenance: TaskList = Object.fromEntries(
    jobs.map((job) => [
      job.name,
      (given, { abortSignal, addJob }) =>
        runJobLogged(job, {
          db,
          inSnapshot,
          logger,
          isOnce: false,
          // Of a run that is due by its cron graphile-worker says when that was.
          isByHand: !(isRecord(given) && "_cron" in given),
          deliver: async (effect) => {
            const { payload, spec } = effects.jobOf(effect);
            await addJob(effects.name, payload, spec);
          },
          signal: abortSignal,
        }),
    ]),
  );
  return { ...maintenance, [effects.name]: effects.task({ db, logger }) };
}

/** When the jobs run. However many processes there are, graphile-worker enqueues each run once. */
function cronItemsOf(jobs: readonly MaintenanceJob[]): ParsedCronItem[] {
  return parseCronItems(
    jobs.map(({ name, cron, backfillMs = 0 }) => ({
      task: name,
      identifier: name,
      match: cron,
      // The key: a run that waits, or failed for good, is replaced by the next one.
      options: { backfillPeriod: backfillMs, jobKey: name },
    })),
  );
}

/** Enqueue the jobs of short intervals again and again. Returns what ends that. */
function addInIntervals(
  runner: Runner,
  jobs: readonly MaintenanceJob[],
  onError: (err: unknown) => void,
): () => void {
  const timers = jobs.flatMap(({ name, everyMs }) =>
    everyMs === undefined
      ? []
      : [
          setInterval(() => {
            // Under the key of its cron, so that one run waits, whoever adds it.
            runner.addJob(name, {}, { jobKey: name }).catch(onError);
          }, everyMs).unref(),
        ],
  );
  return () => timers.forEach(clearInterval);
}

/** Enqueue the jobs that run at the start of a process. */
async function addJobsAtStart(runner: Runner, jobs: readonly MaintenanceJob[]): Promise<void> {
  for (const { name } of jobs.filter(({ atStart }) => atStart === true)) {
    await runner.addJob(name, {}, { jobKey: name });
  }
}

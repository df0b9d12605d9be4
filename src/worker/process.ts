/**
 * One life of a worker, from its row in `workers` to the end of that row: its parts, how they are
 * started, and in which order they end.
 */

import type { ClientConfig } from "pg";
import type { Logger } from "pino";
import { loadInput, reportProgress } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseHealth } from "../database/health.ts";
import type { NotificationListener } from "../database/listener.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import { isTransient } from "../database/sqlstate.ts";
import { registerWorker } from "../database/workers.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { Handler } from "../model/handler.ts";
import type { Attempt, ClaimedTask, TaskInput } from "../model/task.ts";
import type { LogLevel } from "../settings/variables.ts";
import { failpoint } from "../system/failpoint.ts";
import { Observation } from "../system/observation.ts";
import { unlessAborted } from "../system/waiting.ts";
import type { AttemptHost, RunningAttempt } from "./attempt.ts";
import { runClaimLoop } from "./claim-loop.ts";
import type { ProgressReport } from "./handler-context.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Lanes } from "./lanes.ts";
import { getReady, registrationOf, shutDown, untilIdle } from "./lifecycle.ts";
import { LockWatch } from "./lock-watch.ts";
import { runRescuer } from "./rescuer.ts";
import { Settler } from "./settler.ts";
import { Slots } from "./slots.ts";
import { StartedAttempts } from "./started-attempts.ts";
import { FloodLog, NotificationThrottle, WakeUp } from "./wake-up.ts";

const HEARTBEAT_MS = 5_000;
/** Looks for cancel requests that notifications may ask for; the heartbeat looks as well. */
const CANCEL_THROTTLE = { inARow: 4, perSecond: 4 };
/** Attempts beside those that run whose ends are on their way to the database, at most. */
const ENDED_ATTEMPTS_MAX = 8_000;

/** A worker process began, with so many slots. */
export const workerStarted = new Observation<number>();

type WorkerProcessDeps = {
  readonly db: Database;
  /** For the handlers, apart from what claims and settles. */
  readonly taskDb: Database;
  readonly link: DatabaseLink;
  /** While it says that the database is down, nothing is claimed. */
  readonly health: DatabaseHealth;
  readonly listener: NotificationListener;
  /** For the heartbeat, on a session of its own. */
  readonly connection: ClientConfig;
  /** Whether that session stays: then it holds the lock that shows that the process lives. */
  readonly hasSessions: boolean;
  readonly logger: Logger;
  /** For the heartbeat thread, which has a logger of its own. */
  readonly logLevel: LogLevel;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly name: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  readonly graceMs: number;
  readonly maxRescues: number;
  readonly resultBytesMax: number;
  readonly drain: boolean;
  /** Stop: claim nothing more, let tasks finish within the grace time, release the rest. */
  readonly stop: AbortSignal;
  /** Do not wait for anything any more. */
  readonly kill: AbortSignal;
};

/** How a worker process came to its end. */
export type WorkerProcessEnd = "stopped" | "drained" | "dead";

/**
 * Resolves to "dead" when the worker was declared dead: it dropped what it held, and the caller
 * starts another one. Throws an EnvironmentError (70) when a handler ignores its signal past the
 * grace time, after the rest of its tasks were released.
 */
export async function runWorkerProcess(deps: WorkerProcessDeps): Promise<WorkerProcessEnd> {
  const workerId = await register(deps);
  if (workerId === null) return "stopped";
  failpoint("register.answered");
  const logger = deps.logger.child({ workerId });
  return await new WorkerProcess({ ...deps, logger }, workerId).run();
}

/** Null: told to stop while the database did not take it, at the start or after a failover. */
async function register(deps: WorkerProcessDeps): Promise<string | null> {
  const { db, link, logger, stop } = deps;
  try {
    return await link.run(() => registerWorker(db, registrationOf(deps)), stop);
  } catch (err) {
    if (!stop.aborted || !isTransient(err)) throw err;
    logger.warn({ err }, "stopped before the worker was registered; it holds nothing");
    return null;
  }
}

class WorkerProcess implements AttemptHost {
  readonly logger: Logger;
  readonly graceMs: number;
  readonly resultBytesMax: number;
  readonly startedAttempts: StartedAttempts;
  readonly taskDb: Database;
  readonly #deps: WorkerProcessDeps;
  readonly #workerId: string;
  readonly #changed = new WakeUp();
  readonly #settler: Settler;
  readonly #slots: Slots;
  readonly #lanes: Lanes;
  /** Aborts everything that claims or rescues. */
  readonly #ending = new AbortController();
  /** Aborts statements that wait for a database that does not answer. */
  readonly #givingUp = new AbortController();
  #dead = false;
  #stuck: RunningAttempt | null = null;
  #failure: Error | null = null;

  constructor(deps: WorkerProcessDeps, workerId: string) {
    const { db, link, logger, handlers, concurrency } = deps;
    this.#deps = deps;
    this.#workerId = workerId;
    this.logger = logger;
    this.graceMs = deps.graceMs;
    this.resultBytesMax = deps.resultBytesMax;
    this.taskDb = deps.taskDb;
    this.#settler = new Settler({
      db,
      link,
      logger,
      signal: this.#givingUp.signal,
      onError: (err) => this.#fail(err),
    });
    this.#lanes = new Lanes(deps.queues, [...handlers.keys()]);
    this.startedAttempts = new StartedAttempts({ capacity: concurrency + ENDED_ATTEMPTS_MAX });
    this.#slots = new Slots({
      handlers,
      concurrency,
      settler: this.#settler,
      host: this,
      logger,
      changed: this.#changed,
    });
  }

  async run(): Promise<WorkerProcessEnd> {
    const { listener, stop, logger } = this.#deps;
    const heartbeat = this.#startHeartbeat();
    const onStop = () => {
      const tasks = this.#slots.runningCount;
      logger.info({ tasks, graceMs: this.graceMs }, "stopping; a second signal does not wait");
      this.#ending.abort();
    };
    stop.addEventListener("abort", onStop);
    if (stop.aborted) {
      onStop();
    }
    const cancels = new NotificationThrottle(() => {
      cancels.start();
      heartbeat.lookForCancels();
    }, CANCEL_THROTTLE);
    const flood = new FloodLog(logger);
    flood.watch(cancels);
    const onCancel = () => cancels.ask();
    listener.on("cancel", onCancel);
    const { queues, concurrency } = this.#deps;
    logger.info({ queues, concurrency }, "worker started");
    workerStarted.tell(concurrency);

    const { signal } = this.#ending;
    await this.#guard(getReady({ ...this.#deps, workerId: this.#workerId }, heartbeat, signal));
    const locks = new LockWatch({ ...this.#deps, logger });
    const onRescued = () => void locks.look();
    const rescuing = this.#guard(runRescuer({ ...this.#deps, signal, onRescued }));
    const watching = locks.run(signal);
    await this.#guard(
      runClaimLoop({
        ...this.#deps,
        lanes: this.#lanes,
        slots: this.#slots,
        workerId: this.#workerId,
        changed: this.#changed,
        flood,
        signal: this.#ending.signal,
      }),
    );
    const end = await this.#windDown();
    this.#ending.abort();
    await Promise.all([rescuing, watching]);
    listener.off("cancel", onCancel);
    cancels.close();
    flood.close();
    stop.removeEventListener("abort", onStop);
    await heartbeat.stop();
    this.#throwFailure();
    return end;
  }

  async loadInput(attempt: Attempt, signal: AbortSignal): Promise<TaskInput | null> {
    const { db, link } = this.#deps;
    return await unlessAborted(
      signal,
      link.run(() => loadInput(db, attempt), signal),
    );
  }

  sendProgress({ task }: RunningAttempt, progress: ProgressReport): void {
    void this.#reportProgress(task, progress);
  }

  onStuck(attempt: RunningAttempt): void {
    const { taskId, taskType } = attempt.task;
    this.logger.fatal({ taskId, taskType }, "handler ignores its signal; the worker must end");
    this.#stuck ??= attempt;
    this.#ending.abort();
    this.#changed.raise();
  }

  #startHeartbeat(): Heartbeat {
    const { connection, hasSessions, db, name, logLevel } = this.#deps;
    return new Heartbeat(
      {
        connection,
        schema: db.schema,
        workerId: this.#workerId,
        intervalMs: HEARTBEAT_MS,
        sessionLock: hasSessions,
        graceMs: this.graceMs,
        startedAttempts: this.startedAttempts,
        log: { name, level: logLevel },
      },
      {
        cancelRequests: (attempts) => {
          for (const attempt of attempts) {
            this.#slots.abort(attempt, "cancel");
          }
        },
        dead: () => {
          this.#dead = true;
          this.logger.warn("declared dead; dropping what is held and starting over");
          this.#ending.abort();
        },
        released: () => this.#slots.resume(),
        error: (err) => this.#fail(err),
      },
    );
  }

  async #reportProgress(task: ClaimedTask, progress: ProgressReport): Promise<void> {
    try {
      if (!(await reportProgress(this.#deps.db, task, progress))) {
        this.#slots.abort(task, "lease lost");
      }
    } catch (err) {
      this.logger.debug({ err, taskId: task.taskId }, "progress is not recorded");
    }
  }

  async #windDown(): Promise<WorkerProcessEnd> {
    const waiting = {
      slots: this.#slots,
      changed: this.#changed,
      stuck: () => this.#stuck,
      kill: this.#deps.kill,
    };
    if (this.#dead) {
      this.#slots.loseAll();
      // The next worker process starts when the handlers of this one have ended, or never.
      await untilIdle(waiting, 2 * this.graceMs);
      return "dead";
    }
    const end = this.#deps.stop.aborted ? "stopped" : "drained";
    await shutDown({
      ...this.#deps,
      ...waiting,
      reason: this.#failure?.message ?? (this.#stuck === null ? end : "a handler hangs"),
      workerId: this.#workerId,
      settler: this.#settler,
      graceMs: this.#failure === null ? this.graceMs : 0,
      giveUp: () => this.#givingUp.abort(),
      givingUp: this.#givingUp.signal,
    });
    return end;
  }

  async #guard(service: Promise<void>): Promise<void> {
    await service.catch((err: unknown) => {
      if (!this.#ending.signal.aborted) {
        this.#fail(err);
      }
    });
  }

  #fail(err: unknown): void {
    this.#failure ??= err instanceof Error ? err : new Error(String(err));
    this.#ending.abort();
    this.#changed.raise();
  }

  #throwFailure(): void {
    if (this.#stuck !== null) {
      throw stuckError(this.#stuck, this.graceMs);
    }
    if (this.#failure !== null) {
      throw this.#failure;
    }
  }
}

/** Why a worker must end: nothing in its process can stop the handler of that attempt. */
function stuckError({ task }: RunningAttempt, graceMs: number): EnvironmentError {
  return new EnvironmentError(
    `the handler of ${task.taskType} ignored its signal for ${graceMs} ms on task ${task.taskId}`,
    {
      hint: "pass context.signal on to what the handler waits for; the supervisor restarts this worker",
      exitCode: EXIT_CODES.stuckHandler,
    },
  );
}

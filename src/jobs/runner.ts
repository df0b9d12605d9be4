import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { DatabaseUrl } from "../database-url.ts";
import { isTransient } from "../postgres/sqlstate.ts";
import { type Session, type SessionOptions, startSession } from "./session.ts";

/** A database that has not answered by then, at the start, is an error of the settings. */
const START_MS_MAX = 3_000;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
/** A session that lived so long was well: the next wait is the first again. */
const WELL_AFTER_MS = 10_000;

export type JobsOptions = SessionOptions & {
  /** Used instead of `database`, which is a pooler then; else null. */
  readonly direct: DatabaseUrl | null;
  /** Stop in good order: a job that runs gets some seconds to end. */
  readonly stop: AbortSignal;
};

/**
 * Run the jobs until told to stop. Any number of processes may do so; each run of a job is
 * enqueued once. Throws an EnvironmentError for a schema that does not fit, and the
 * driver's error for a database that cannot be reached for three seconds at the start; later
 * on it waits for the database for ever.
 */
export async function runJobs({ direct, stop, ...options }: JobsOptions): Promise<void> {
  const jobs = new Jobs({ ...options, database: direct ?? options.database }, stop);
  await jobs.run();
}

class Jobs {
  readonly #options: SessionOptions;
  readonly #stop: AbortSignal;
  readonly #stopped: Promise<null>;
  readonly #beganAt = performance.now();
  #started = false;
  #lostAt: number | null = null;

  constructor(options: SessionOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = stop;
    this.#stopped = stop.aborted ? Promise.resolve(null) : once(stop, "abort").then(() => null);
  }

  async run(): Promise<void> {
    let waitMs = RESTART_MS_MIN;
    while (!this.#stop.aborted) {
      const beganAt = performance.now();
      await this.#runOnce();
      waitMs =
        performance.now() - beganAt > WELL_AFTER_MS
          ? RESTART_MS_MIN
          : Math.min(waitMs * 2, RESTART_MS_MAX);
      // Half of it by chance: many processes lose a server together.
      await delay(waitMs * (0.5 + Math.random() / 2), undefined, { signal: this.#stop }).catch(
        () => undefined,
      );
    }
    if (this.#started) {
      this.#options.logger.info("jobs stopped");
    }
  }

  /** One session, or one attempt at it. */
  async #runOnce(): Promise<void> {
    const session = await this.#start();
    if (session !== null) {
      const trouble = await Promise.race([session.trouble, this.#stopped]);
      if (!this.#stop.aborted) {
        this.#lost(trouble);
      }
      await session.stop();
    }
  }

  /** Null where the database does not answer yet, or where the jobs were stopped meanwhile. */
  async #start(): Promise<Session | null> {
    const starting = startSession(this.#options);
    try {
      const session = await Promise.race([starting, this.#stopped]);
      if (session === null) {
        // It gives back what it took, behind the back of a process that is leaving.
        starting.then((late) => late.stop()).catch(() => undefined);
      } else {
        this.#running();
      }
      return session;
    } catch (err) {
      const isPatient = this.#started || performance.now() - this.#beganAt < START_MS_MAX;
      if (!isPatient || !isTransient(err)) {
        throw err;
      }
      return null;
    }
  }

  #running(): void {
    const { logger } = this.#options;
    if (!this.#started) {
      this.#started = true;
      logger.info("jobs started");
    } else if (this.#lostAt !== null) {
      logger.info({ lostMs: Math.round(performance.now() - this.#lostAt) }, "jobs run again");
    }
    this.#lostAt = null;
  }

  #lost(err: unknown): void {
    this.#lostAt = performance.now();
    this.#options.logger.warn({ err }, "jobs lost the database; waiting until it answers");
  }
}

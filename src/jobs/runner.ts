/** The process `triaged jobs`: one session of graphile-worker after the other, until told to stop. */
import { once } from "node:events";
import type { Logger } from "pino";
import { noteStart } from "../database/audit.ts";
import type { Database } from "../database/database.ts";
import { differingSettings, saveQueueSetting } from "../database/operator.ts";
import { isTransient } from "../database/sqlstate.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { RetryDelay, type RetryDelays } from "../system/retry.ts";
import { waitAtMost } from "../system/wait-at-most.ts";
import { sleep } from "../system/waiting.ts";
import { type Session, type SessionOptions, startSession } from "./session.ts";

/** At the start, a database that does not answer for longer is an error of the settings. */
const START_MS_MAX = 3_000;
const RESTART_DELAYS: RetryDelays = { baseMs: 100, maxMs: 5_000 };
const ENDING_MS_MAX = 1_000;
/** A server that restarts is back by then; a longer outage is logged. */
const LOGGED_AFTER_MS = 1_000;
/** After a session that lasted longer, the next one begins at once. */
const STABLE_AFTER_MS = 1_000;

/** What each session is given; this file adds the rest. */
type ForSessions = Omit<SessionOptions, "thereSinceMs" | "beforeRun"> & {
  /** Of the environment; it counts where nobody has set it in the database. */
  readonly retention: Config["retention"];
  /** What the audit log compares with the last start. @default nothing is compared */
  readonly settings?: Readonly<Record<string, string>>;
};

type JobsOptions = ForSessions & {
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
  readonly #options: ForSessions;
  readonly #stop: AbortSignal;
  readonly #stopped: Promise<null>;
  readonly #beganAt = performance.now();
  #started = false;
  #lostAt: number | null = null;
  #isLogged = false;
  #hasAdopted = false;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: ForSessions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = stop;
    this.#stopped = stop.aborted ? Promise.resolve(null) : once(stop, "abort").then(() => null);
  }

  async run(): Promise<void> {
    const restart = new RetryDelay(RESTART_DELAYS);
    while (!this.#stop.aborted) {
      if ((await this.#runOnce()) > STABLE_AFTER_MS) {
        restart.reset();
      }
      await sleep(restart.nextMs(), this.#stop);
    }
    await this.#ending;
    if (this.#started) {
      this.#options.logger.info("jobs stopped");
    }
  }

  /** One session, or one attempt at it. Resolves to how long it lived; 0 where it did not begin. */
  async #runOnce(): Promise<number> {
    const session = await this.#start();
    if (session === null) {
      return 0;
    }
    const beganAt = performance.now();
    const failure = await Promise.race([session.failure, this.#stopped]);
    const livedMs = performance.now() - beganAt;
    if (!this.#stop.aborted) {
      this.#onLost(failure);
    }
    this.#ending = session.stop();
    // Jobs of a connection that does not answer end later, beside those of the next session.
    await waitAtMost(ENDING_MS_MAX, this.#ending);
    return livedMs;
  }

  /** Null where the database does not answer yet, or where the jobs were stopped meanwhile. */
  async #start(): Promise<Session | null> {
    const starting = startSession({
      ...this.#options,
      thereSinceMs: () => performance.now() - this.#beganAt,
      beforeRun: (db) => this.#adopt(db),
    });
    try {
      const session = await Promise.race([starting, this.#stopped]);
      if (session === null) {
        // It releases what it holds; the process does not wait for that.
        starting.then((late) => late.stop()).catch(() => undefined);
      } else {
        this.#onStarted();
      }
      return session;
    } catch (err) {
      const isPatient = this.#started || performance.now() - this.#beganAt < START_MS_MAX;
      if (!isPatient || !isTransient(err)) {
        throw err;
      }
      this.#onUnreachable(err);
      return null;
    }
  }

  /** Once for the process, so that each difference is logged once. */
  async #adopt(db: Database): Promise<void> {
    if (!this.#hasAdopted) {
      const { retention, settings, logger } = this.#options;
      await adoptRetention(db, { retention, logger });
      if (settings !== undefined) {
        await noteStart((work) => work(db), { process: "jobs", settings }, logger);
      }
      this.#hasAdopted = true;
    }
  }

  #onStarted(): void {
    const { logger } = this.#options;
    if (!this.#started) {
      this.#started = true;
      logger.info("jobs started");
    } else if (this.#lostAt !== null) {
      const lostMs = Math.round(performance.now() - this.#lostAt);
      logger[this.#isLogged ? "info" : "debug"]({ lostMs }, "jobs run again");
    }
    this.#lostAt = null;
    this.#isLogged = false;
  }

  /** Nothing to warn of: servers, poolers and routers end connections. The next is tried at once. */
  #onLost(err: unknown): void {
    this.#lostAt = performance.now();
    this.#options.logger.debug({ err }, "jobs lost a connection");
  }

  /** The database does not answer, or not yet. Logged once, after a moment. */
  #onUnreachable(err: unknown): void {
    const isLong = this.#lostAt !== null && performance.now() - this.#lostAt > LOGGED_AFTER_MS;
    if (isLong && !this.#isLogged) {
      this.#isLogged = true;
      const reason = err instanceof Error ? err.message : String(err);
      this.#options.logger.warn({ reason }, "jobs lost the database; waiting until it answers");
    }
  }
}

/**
 * Save the environment's retention in the database, as long as nobody has set it there. From then
 * on the database counts: two hosts with different environments would else undo each other's
 * values, and the shorter one deletes. Logs what differs.
 */
export async function adoptRetention(
  db: Database,
  { retention, logger }: { readonly retention: Config["retention"]; readonly logger: Logger },
): Promise<void> {
  for (const { name, variable, given } of await differingSettings(db, retention)) {
    const outcome = await saveQueueSetting(db, { name, value: String(given), onlyDefault: true });
    if (outcome === "changed") {
      logger.info({ name, value: given }, `the database keeps ${variable} of this environment`);
    }
  }
  for (const { name, variable, given, value } of await differingSettings(db, retention)) {
    logger.warn(
      { hint: `triaged settings set ${name} ${given}, or unset ${variable}` },
      `${variable} is ${given} here, and ${name} ${value} in the database, which counts`,
    );
  }
}

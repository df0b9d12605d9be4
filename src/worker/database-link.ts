import type { Logger } from "pino";
import { isTransient } from "../postgres/sqlstate.ts";
import { pause } from "./every.ts";

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/**
 * The worker's view of whether the database answers. What it runs is tried again until
 * it does, for ever, with backoff; the log has one line for each change of state, not
 * one for each try. A connection that was cut, after which the next one works, is none.
 */
export class DatabaseLink {
  readonly #logger: Logger;
  #lostAt: number | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Run `operation` until it succeeds or fails for a reason that does not pass by itself;
   * that error is thrown. When the signal aborts, the last error is thrown.
   */
  async run<Result>(operation: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    for (let tries = 1, wait = RETRY_MS_MIN; ; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
      try {
        const result = await operation();
        this.#answered();
        return result;
      } catch (err) {
        if (!isTransient(err) || signal.aborted) {
          throw err;
        }
        this.#failed(err, tries);
        tries += 1;
        // Half of it by chance: many workers lose a server together.
        await pause(wait * (0.5 + Math.random() / 2), signal);
      }
    }
  }

  #answered(): void {
    if (this.#lostAt !== null) {
      const lostMs = Math.round(performance.now() - this.#lostAt);
      this.#lostAt = null;
      this.#logger.info({ lostMs }, "database answers again");
    }
  }

  #failed(err: unknown, tries: number): void {
    if (this.#lostAt === null && tries === 1) {
      this.#logger.debug({ err }, "a statement failed; trying again");
    } else if (this.#lostAt === null) {
      this.#lostAt = performance.now();
      this.#logger.warn({ err }, "database does not answer; trying again until it does");
    }
  }
}

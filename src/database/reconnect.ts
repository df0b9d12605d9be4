import type { Logger } from "pino";
import { type RetryDelays, retry } from "../system/retry.ts";
import { codeOf, isOfStatement, isTransient, READ_ONLY, READ_ONLY_HINT } from "./sqlstate.ts";

/** What a worker may be late by, once another primary is there. */
const DELAYS: RetryDelays = { baseMs: 100, maxMs: 2_000 };

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
   * that error is thrown. When the signal aborts, the last error is thrown. So it is once the
   * server has refused `refusalsMax` times in a row what is asked of it: a statement that always
   * takes too long, for one. A server that cannot be reached is waited for all the same. With
   * `triesOnAbort` an abort that cuts a delay short is followed by one last try.
   */
  async run<Result>(
    operation: () => Promise<Result>,
    signal: AbortSignal,
    {
      refusalsMax = Number.POSITIVE_INFINITY,
      triesOnAbort = false,
    }: { refusalsMax?: number; triesOnAbort?: boolean } = {},
  ): Promise<Result> {
    let refusals = 0;
    const mayPass = (err: unknown, failures: number) => {
      refusals = isOfStatement(err) ? refusals + 1 : 0;
      if (!isTransient(err) || refusals >= refusalsMax) {
        return false;
      }
      this.#failed(err, failures);
      return true;
    };
    const result = await retry(operation, { delays: DELAYS, signal, mayPass, triesOnAbort });
    this.#answered();
    return result;
  }

  #answered(): void {
    if (this.#lostAt !== null) {
      const lostMs = Math.round(performance.now() - this.#lostAt);
      this.#lostAt = null;
      this.#logger.info({ lostMs }, "database answers again");
    }
  }

  #failed(err: unknown, failures: number): void {
    if (this.#lostAt === null && failures === 1) {
      this.#logger.debug({ err }, "a statement failed; trying again");
    } else if (this.#lostAt === null) {
      this.#lostAt = performance.now();
      if (codeOf(err) === READ_ONLY) {
        this.#logger.warn(
          { err, hint: READ_ONLY_HINT },
          "the server is read-only; trying again until it takes writes",
        );
        return;
      }
      this.#logger.warn({ err }, "database does not answer; trying again until it does");
    }
  }
}

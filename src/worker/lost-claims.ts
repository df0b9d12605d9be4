import type { Logger } from "pino";
import type { Attempt } from "../errors.ts";
import type { Database } from "../postgres/database.ts";
import { releaseUnknownTasks } from "../postgres/worker-store.ts";

/** A server may make a claim long after its caller gave the connection up. */
const LOOK_MS_MIN = 30_000;
/** Looks take at most one part in so many of the time. */
const LOOK_SHARE = 20;

export type LostClaimsDeps = {
  readonly db: Database;
  readonly logger: Logger;
  readonly workerId: string;
  /** The attempts that the worker runs, is about to run, or has yet to settle. */
  readonly known: () => readonly Attempt[];
};

/**
 * Gives back what a claim took whose answer was lost: the tasks are started, the worker that
 * holds them lives, and it does not run them. It looks after each claim that failed, and now
 * and then, since the server may make such a claim later than that.
 *
 * Not beside a claim: what that takes is not known yet. So the loop that claims calls it.
 */
export class LostClaims {
  readonly #deps: LostClaimsDeps;
  #lookAt = performance.now() + LOOK_MS_MIN;

  constructor(deps: LostClaimsDeps) {
    this.#deps = deps;
  }

  /** A claim failed, which does not tell whether it was made. */
  suspect(): void {
    this.#lookAt = 0;
  }

  /** Whether it is time to look. */
  get isDue(): boolean {
    return performance.now() >= this.#lookAt;
  }

  /** Throws the driver's error; it is time to look again then. */
  async look(): Promise<void> {
    const before = performance.now();
    const { db, logger, workerId, known } = this.#deps;
    const released = await releaseUnknownTasks(db, workerId, known());
    const now = performance.now();
    this.#lookAt = now + Math.max(LOOK_MS_MIN, LOOK_SHARE * (now - before));
    if (released > 0) {
      logger.warn({ tasks: released }, "gave back what a claim took whose answer was lost");
    }
  }
}

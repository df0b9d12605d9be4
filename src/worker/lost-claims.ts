/**
 * Releases the tasks of claims whose response was lost: they are started, the worker that holds
 * them lives, and it does not run them. It looks for such tasks after each claim that failed, and
 * now and then, since the server may execute such a claim later than that.
 *
 * Not beside a claim: what that one takes is not known yet. So the loop that claims calls it.
 */

import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import { releaseUnknownTasks } from "../database/workers.ts";
import type { Attempt } from "../model/task.ts";

/** A server may execute a claim long after its caller gave the connection up. */
const LOST_CLAIMS_MS_MIN = 30_000;
/** Looks for lost claims take at most one part in so many of the time. */
const LOST_CLAIMS_SHARE = 20;

type LostClaimsDeps = {
  readonly db: Database;
  readonly logger: Logger;
  readonly workerId: string;
  /** The attempts that the worker runs, is about to run, or has yet to settle. */
  readonly known: () => readonly Attempt[];
};

export class LostClaims {
  readonly #deps: LostClaimsDeps;
  #dueAt = performance.now() + LOST_CLAIMS_MS_MIN;

  constructor(deps: LostClaimsDeps) {
    this.#deps = deps;
  }

  /** A claim failed, which does not tell whether the server executed it. */
  suspect(): void {
    this.#dueAt = 0;
  }

  /** Whether it is time to look. */
  get isDue(): boolean {
    return performance.now() >= this.#dueAt;
  }

  /** Throws the driver's error; it is time to look again then. */
  async release(): Promise<void> {
    const before = performance.now();
    const { db, logger, workerId, known } = this.#deps;
    const released = await releaseUnknownTasks(db, workerId, known());
    const now = performance.now();
    this.#dueAt = now + Math.max(LOST_CLAIMS_MS_MIN, LOST_CLAIMS_SHARE * (now - before));
    if (released > 0) {
      logger.warn({ tasks: released }, "released tasks from a claim whose response was lost");
    }
  }
}

import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import { foreignLocks } from "../database/monitoring.ts";
import { every } from "../system/waiting.ts";

/** A look reads all locks of the server. */
const EVERY_MS = 20_000;
/** Names that are remembered, so that each is told once. */
const TOLD_MAX = 1_000;

/** Tells, once each, who keeps a lock of the queue that is not for him. */
export class LockWatch {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #told = new Set<string>();

  constructor({ db, logger }: { db: Database; logger: Logger }) {
    this.#db = db;
    this.#logger = logger;
  }

  /** Look now and then, until the signal aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    await every(EVERY_MS, signal, () => this.look());
  }

  /** Never throws: the worker's own statements tell of a lost database. */
  async look(): Promise<void> {
    try {
      for (const { lock, pid, role, application } of await foreignLocks(this.#db)) {
        if (this.#isNew(`${lock} ${pid}`)) {
          this.#logger.warn(
            { lock, pid, role, application, hint: `select pg_terminate_backend(${pid})` },
            "a session keeps a lock of the queue that is not for it",
          );
        }
      }
    } catch (err) {
      this.#logger.debug({ err }, "locks cannot be looked at");
    }
  }

  #isNew(name: string): boolean {
    if (this.#told.size === TOLD_MAX) this.#told.clear();
    const before = this.#told.size;
    return this.#told.add(name).size > before;
  }
}

import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import type { Attempt } from "../errors.ts";
import type { Database } from "../postgres/database.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { settleTasks } from "../postgres/task-store.ts";
import type { DatabaseLink } from "./database-link.ts";
import { type Ending, endingOf } from "./ending.ts";
import { storable } from "./error-text.ts";

/** Endings in one statement; as many as tasks in a claim. */
const BATCH_MAX = 1_000;

export type SettlerDeps = {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly logger: Logger;
  /** Gives up on a database that does not answer. */
  readonly signal: AbortSignal;
  /** Called with what no retry mends; the worker cannot go on. */
  readonly onError: (err: unknown) => void;
};

/**
 * Records the ends of attempts in groups: while one statement is in flight the next
 * endings collect, and the next statement takes them all. No timer: an idle worker settles
 * at once, a busy one in hundreds.
 */
export class Settler {
  readonly #deps: SettlerDeps;
  #waiting: { ending: Ending; done: (settled: boolean) => void }[] = [];
  /** What the statement that is under way records. */
  #settling: readonly Ending[] = [];
  #running: Promise<void> | null = null;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  /** Endings that are not recorded yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** The attempts whose endings are not recorded yet, or are being recorded. */
  get unsettled(): readonly Attempt[] {
    return [...this.#settling, ...this.#waiting.map(({ ending }) => ending)];
  }

  /**
   * Record an ending. Resolves with false when the worker no longer held the task: nothing
   * was written. Expected after a stall, and after a settle whose answer was lost.
   */
  settle(ending: Ending): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ ending, done });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when nothing waits any more, or the database was given up. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Let the endings of one turn of the event loop come together: a microtask is too early
    // for all but the first few, and they would cost a statement and a commit of their own.
    await setImmediate();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      this.#settling = batch.map(({ ending }) => ending);
      const settled = await this.#settleBatch(this.#settling);
      this.#settling = [];
      for (const { ending, done } of batch) {
        done(settled.has(tokenOf(ending)));
      }
    }
    this.#running = null;
  }

  async #settleBatch(endings: readonly Ending[]): Promise<Set<string>> {
    const { db, link, logger, signal } = this.#deps;
    try {
      const json = `[${endings.map((ending) => ending.json).join(",")}]`;
      const settled = await link.run(() => settleTasks(db, json), signal);
      return new Set(settled.map(tokenOf));
    } catch (err) {
      if (!isRefused(err)) {
        this.#deps.onError(err);
        return new Set();
      }
      const [only, ...others] = endings;
      if (only !== undefined && others.length === 0) {
        logger.error({ err, taskId: only.taskId }, "the database refuses a result");
        return await this.#settleRefused(only, err);
      }
    }
    // One of them is refused, and must not take the others along.
    const apart = new Set<string>();
    for (const ending of endings) {
      for (const token of await this.#settleBatch([ending])) {
        apart.add(token);
      }
    }
    return apart;
  }

  async #settleRefused(ending: Ending, reason: unknown): Promise<Set<string>> {
    if (ending.outcome === "fail") {
      this.#deps.onError(reason);
      return new Set();
    }
    const message = reason instanceof Error ? reason.message : String(reason);
    const failed = endingOf(
      ending,
      {
        outcome: "fail",
        error: storable(`the result cannot be stored: ${message}`),
        detail: { class: "validation" },
      },
      { resultBytesMax: 0 },
    );
    return await this.#settleBatch([failed]);
  }
}

function tokenOf({ taskId, attempt }: { taskId: string; attempt: number }): string {
  return `${taskId}/${attempt}`;
}

/** The statement is fine and a value in it is not: data exception, or a limit of the server. */
function isRefused(err: unknown): boolean {
  const code = codeOf(err);
  return code !== null && (code.startsWith("22") || code.startsWith("54"));
}

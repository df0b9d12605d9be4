import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import type { Attempt } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { Database } from "../postgres/database.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { settleTasks } from "../postgres/task-store.ts";
import type { DatabaseLink } from "./database-link.ts";
import { type Ending, endingOf } from "./ending.ts";
import { storable } from "./error-text.ts";

/** Endings in one statement; as many as tasks in a claim. */
const BATCH_MAX = 1_000;
/** And their bytes, but for a single one that has more. jsonb itself ends at 256 MiB. */
const BATCH_BYTES_MAX = 8 * 2 ** 20;
/**
 * Statements at a time. The second one starts when a whole batch waits behind the first, so
 * that a database with a core to spare uses it. 50,000 no-op tasks through one worker, beside
 * a peer in the same run: 0.90 of its rate with one, 0.95 with two.
 */
const IN_FLIGHT_MAX = 2;

export type SettlerDeps = {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly logger: Logger;
  /** Gives up on a database that does not answer. */
  readonly signal: AbortSignal;
  /** Called with what no retry mends; the worker cannot go on. */
  readonly onError: (err: unknown) => void;
};

type Waiting = { readonly ending: Ending; readonly done: (settled: boolean) => void };

/**
 * Records the ends of attempts in groups: while one statement is in flight the next
 * endings collect, and the next statement takes them all. No timer: an idle worker settles
 * at once, a busy one in hundreds.
 */
export class Settler {
  readonly #deps: SettlerDeps;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  /** What the statements that are under way record. */
  readonly #inFlight = new Set<readonly Waiting[]>();
  /** Loops that take what waits, one statement each. */
  #drains = 0;
  #whenIdle = Promise.withResolvers<void>();

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  /** Endings that no statement has taken yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Of all endings that are not recorded yet. */
  get bytes(): number {
    return this.#waitingBytes + this.#inFlightBytes;
  }

  /** The attempts whose endings are not recorded yet, or are being recorded. */
  get unsettled(): readonly Attempt[] {
    return [...[...this.#inFlight].flat(), ...this.#waiting].map(({ ending }) => ending);
  }

  /**
   * Record an ending. `done` is called with false when the worker no longer held the task:
   * nothing was written. Expected after a stall, and after a settle whose answer was lost.
   */
  settle(ending: Ending, done: (settled: boolean) => void): void {
    this.#waiting.push({ ending, done });
    this.#waitingBytes += ending.bytes;
    const isBehind = this.#waiting.length >= BATCH_MAX || this.#waitingBytes >= BATCH_BYTES_MAX;
    if (this.#drains < (isBehind ? IN_FLIGHT_MAX : 1)) {
      void this.#drain();
    }
  }

  /** Resolves when nothing waits any more, or the database was given up. */
  async idle(): Promise<void> {
    if (this.#drains > 0) {
      await this.#whenIdle.promise;
    }
  }

  async #drain(): Promise<void> {
    this.#drains += 1;
    // Let the endings of one turn of the event loop come together: a microtask is too early
    // for all but the first few, and they would cost a statement and a commit of their own.
    await setImmediate();
    while (this.#waiting.length > 0) {
      const { batch, bytes } = this.#takeBatch();
      const settled = await this.#settleBatch(batch.map(({ ending }) => ending));
      this.#inFlight.delete(batch);
      this.#inFlightBytes -= bytes;
      for (const { ending, done } of batch) {
        done(settled === "all" || settled.has(tokenOf(ending)));
      }
    }
    this.#drains -= 1;
    if (this.#drains === 0) {
      this.#whenIdle.resolve();
      this.#whenIdle = Promise.withResolvers();
    }
  }

  /** The oldest that wait: as many as one statement takes, and one at least. */
  #takeBatch(): { batch: readonly Waiting[]; bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const { ending } of this.#waiting) {
      if (count === BATCH_MAX || (count > 0 && bytes + ending.bytes > BATCH_BYTES_MAX)) {
        break;
      }
      count += 1;
      bytes += ending.bytes;
    }
    const batch = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    this.#inFlight.add(batch);
    this.#inFlightBytes += bytes;
    return { batch, bytes };
  }

  async #settleBatch(endings: readonly Ending[]): Promise<Set<string> | "all"> {
    const { db, link, logger, signal } = this.#deps;
    try {
      const outcomes = `[${endings.map((ending) => ending.json).join(",")}]`;
      const effects = effectsOf(endings);
      failpoint("settle.before");
      const settled = await link.run(
        () => settleTasks(db, { outcomes, effects, count: endings.length }),
        signal,
      );
      failpoint("settle.answered");
      return settled === "all" ? settled : new Set(settled.map(tokenOf));
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
      const settled = await this.#settleBatch([ending]);
      if (settled === "all" || settled.size > 0) {
        apart.add(tokenOf(ending));
      }
    }
    return apart;
  }

  async #settleRefused(ending: Ending, reason: unknown): Promise<Set<string> | "all"> {
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

/** The effects of them all as a JSON array; null where there are none, as nearly always. */
function effectsOf(endings: readonly Ending[]): string | null {
  return endings.some(({ effects }) => effects.length > 0)
    ? `[${endings.flatMap(({ effects }) => effects).join(",")}]`
    : null;
}

function tokenOf({ taskId, attempt }: { taskId: string; attempt: number }): string {
  return `${taskId}/${attempt}`;
}

/**
 * The statement is fine and a value in it is not: data exception, or a limit of the server; or
 * it is longer than a string or a buffer can be.
 */
function isRefused(err: unknown): boolean {
  const code = codeOf(err) ?? "";
  return err instanceof RangeError || code.startsWith("22") || code.startsWith("54");
}

/**
 * Records the ends of attempts, in groups, and finds another form for an end that is refused.
 */

import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { settleNothing, settleTasks } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseLink } from "../database/reconnect.ts";
import { codeOf, isOfStatement, isTransient } from "../database/sqlstate.ts";
import { type Attempt, attemptToken, type ClaimedTask } from "../model/task.ts";
import { failpoint } from "../system/failpoint.ts";
import { Observation } from "../system/observation.ts";
import { type Ending, endingOf, REFUSED_AGAIN_MS, replacementsOf } from "./ending.ts";

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
/** So often in a row may the server refuse a statement for the moment: some seconds. */
const REFUSALS_MAX = 6;
/** With more parked endings than these, it seems that nothing can be recorded. */
const PARKED_MAX = 100;

/** A statement has recorded the ends of so many attempts. */
export const settleAnswered = new Observation<number>();

type SettlerDeps = {
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
 * Settles in groups: while one statement is in flight the next
 * endings collect, and the next statement takes them all. No timer: an idle worker settles
 * at once, a busy one in hundreds.
 */
export class Settler {
  readonly #deps: SettlerDeps;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  /** The endings of each statement that is under way. */
  readonly #inFlight = new Set<readonly Waiting[]>();
  /** Endings that the database refuses in every form. */
  readonly #parked = new Set<Ending>();
  /** Loops that settle the endings that wait, one statement each. */
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
    const asked = [...[...this.#inFlight].flat(), ...this.#waiting].map(({ ending }) => ending);
    return [...asked, ...this.#parked];
  }

  /**
   * Record an ending. `done` is called with false when the worker no longer held the task:
   * nothing was written. Expected after a stall, and after a settle whose response was lost.
   */
  settle(ending: Ending, done: (settled: boolean) => void): void {
    this.#waiting.push({ ending, done });
    this.#waitingBytes += ending.bytes;
    const isBehind = this.#waiting.length >= BATCH_MAX || this.#waitingBytes >= BATCH_BYTES_MAX;
    if (this.#drains < (isBehind ? IN_FLIGHT_MAX : 1)) {
      void this.#drain();
    }
  }

  /** Resolves when no ending waits any more, or the database was given up. */
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
        done(settled === "all" || settled.has(attemptToken(ending)));
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

  /** Resolves to the attempts that were settled, by token, or "all". Does not throw. */
  async #settleBatch(endings: readonly Ending[]): Promise<ReadonlySet<string> | "all"> {
    try {
      return await this.#record(endings);
    } catch (err) {
      if (!(await this.#isOfTheirOwn(err, effectsOf(endings) !== null))) {
        this.#deps.onError(err);
        return new Set();
      }
      const [only, ...others] = endings;
      if (only !== undefined && others.length === 0) {
        return await this.#settleRefused(only, err);
      }
    }
    // One of them is refused, and must not take the others along.
    const middle = Math.ceil(endings.length / 2);
    const halves = [endings.slice(0, middle), endings.slice(middle)];
    const settled = new Set<string>();
    for (const half of halves) {
      const recorded = await this.#settleBatch(half);
      for (const token of recorded === "all" ? half.map(attemptToken) : recorded) {
        settled.add(token);
      }
    }
    return settled;
  }

  /** One statement. */
  async #record(endings: readonly Ending[]): Promise<ReadonlySet<string> | "all"> {
    const { db, link, signal } = this.#deps;
    const outcomes = `[${endings.map((ending) => ending.json).join(",")}]`;
    const effects = effectsOf(endings);
    failpoint("settle.before");
    const settled = await link.run(
      () => settleTasks(db, { outcomes, effects, count: endings.length }),
      signal,
      // A worker that stops tries once more to keep what its handlers have done.
      { refusalsMax: REFUSALS_MAX, triesOnAbort: true },
    );
    failpoint("settle.answered");
    settleAnswered.tell(endings.length);
    return settled === "all" ? settled : new Set(settled.map(attemptToken));
  }

  /**
   * Whether the error comes from the endings: a value that cannot be stored, a constraint or a
   * trigger of others. No code tells; but then the same statement without a task has no error.
   */
  async #isOfTheirOwn(err: unknown, withEffects: boolean): Promise<boolean> {
    const { db, link, signal } = this.#deps;
    if (err instanceof RangeError) {
      // Longer than a string or a buffer can be: the server was not asked.
      return true;
    }
    if (codeOf(err) === null || signal.aborted || (isTransient(err) && !isOfStatement(err))) {
      return false;
    }
    try {
      await link.run(() => settleNothing(db, { withEffects }), signal);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The end of an attempt that is refused by itself. A value that cannot be stored is replaced, in
   * the end by words that any database stores; where even they are refused, the ending is parked
   * until somebody has corrected the cause.
   */
  async #settleRefused(refused: Ending, reason: unknown): Promise<ReadonlySet<string> | "all"> {
    const { logger, onError } = this.#deps;
    const { taskId, outcome } = refused;
    logger.error({ err: reason, taskId, outcome }, "the database refuses the end of an attempt");
    for (const replacement of replacementsOf(refused, reason)) {
      try {
        return await this.#record([endingOf(refused, replacement, { resultBytesMax: 0 })]);
      } catch (err) {
        if (!(await this.#isOfTheirOwn(err, false))) {
          onError(err);
          return new Set();
        }
      }
    }
    if (this.#parked.size >= PARKED_MAX) {
      // Nothing seems to be recorded, and claimed tasks run for nothing.
      onError(reason);
    } else {
      this.#park(refused);
    }
    return new Set();
  }

  /** Its task stays this worker's, and is not released: that is refused as well. */
  #park(ending: Ending): void {
    const { taskId } = ending;
    this.#deps.logger.error(
      { taskId, againMs: REFUSED_AGAIN_MS },
      "no end of the attempt can be recorded",
    );
    this.#parked.add(ending);
    setTimeout(() => {
      this.#parked.delete(ending);
      this.settle(ending, () => undefined);
    }, REFUSED_AGAIN_MS).unref();
  }
}

/** The effects of them all as a JSON array; null where there are none, as nearly always. */
function effectsOf(endings: readonly Ending[]): string | null {
  return endings.some(({ effects }) => effects.length > 0)
    ? `[${endings.flatMap(({ effects }) => effects).join(",")}]`
    : null;
}

/** Log the end of an attempt; `held` is whether it was recorded. */
export function logSettled(
  logger: Logger,
  settled: { readonly task: ClaimedTask; readonly ending: Ending; readonly held: boolean },
): void {
  const { task, ending, held } = settled;
  if (held && ending.error === null && !logger.isLevelEnabled("debug")) {
    return;
  }
  const { outcome, error } = ending;
  const { taskId, taskType, attempt } = task;
  const line = { taskId, taskType, attempt, outcome, error };
  if (!held && outcome === "release") {
    // Released already: by the heartbeat thread, or by a rescue.
    logger.debug(line, "attempt was released before");
  } else if (!held) {
    logger.info(line, "lease lost; the end of the attempt is not recorded");
  } else if (error !== null) {
    logger.warn(line, "attempt settled");
  } else {
    logger.debug(line, "attempt settled");
  }
}

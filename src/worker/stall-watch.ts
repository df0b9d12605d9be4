/**
 * What the heartbeat thread does while the event loop of its worker is blocked: it releases the
 * tasks that have not started, and ends a process that will not go on. A chapter of its own: it
 * runs in the thread.
 */

import type { Logger } from "pino";
import { settleTasks } from "../database/attempts.ts";
import type { Database } from "../database/database.ts";
import { endWorker, heldAttempts } from "../database/workers.ts";
import { backoffMs, DEFAULT_BACKOFF } from "../model/backoff.ts";
import type { Outcome } from "../model/outcome.ts";
import { type Attempt, attemptToken } from "../model/task.ts";
import { endingOf } from "./ending.ts";
import {
  clockMs,
  type StartedAttempt,
  type StartedAttempts,
  type StartedAttemptsList,
} from "./started-attempts.ts";

/** How often the thread looks whether the event loop of its worker turns. */
export const LOOK_MS = 250;
/**
 * Looks in a row without a beat, which is due ten times a second, until a loop counts as blocked,
 * and then from one release to the next. Looks and no clock: a process that was frozen as a whole
 * has missed both.
 */
const SILENT_LOOKS = 4;
/**
 * A loop that is blocked while nothing is under way counts as blocked for ever, by a timer that a
 * handler left behind, after the grace time or this one, whichever is longer.
 */
const ORPHAN_MS_MIN = 10_000;

type StallWatchDeps = {
  readonly startedAttempts: StartedAttempts;
  readonly workerId: string;
  readonly graceMs: number;
  readonly logger: Logger;
  /** Null while there is no connection. */
  readonly db: () => Database | null;
  /** Tell the worker that it may claim again. */
  readonly onReleased: () => void;
};

/**
 * Looks, from the heartbeat thread, whether the event loop of the worker turns. When an attempt
 * blocks it for a second, the tasks that the worker holds and has not started go back to the
 * queue. When the attempt that blocks it is past its timeout and the grace time, it will not end
 * by itself, and no abort can reach it: the process is killed. That attempt is known while the
 * loop executes the code that was called for it; after a wait of its own it may be any of those
 * under way, and then all of them must be past their time.
 */
export class StallWatch {
  readonly #deps: StallWatchDeps;
  #beats = -1;
  #silentLooks = 0;

  constructor(deps: StallWatchDeps) {
    this.#deps = deps;
  }

  /** One look. Never throws: the next one tries again. */
  async look(): Promise<void> {
    const { startedAttempts, logger } = this.#deps;
    if (startedAttempts.beats !== this.#beats) {
      this.#beats = startedAttempts.beats;
      this.#silentLooks = 0;
      return;
    }
    this.#silentLooks += 1;
    if (this.#silentLooks % SILENT_LOOKS !== 0) {
      return;
    }
    try {
      await this.#releaseOthers();
    } catch (err) {
      logger.warn({ err }, "the event loop is blocked, and waiting tasks cannot be released");
    }
    const listed = startedAttempts.list();
    const suspects = listed === null ? [] : suspectsOf(listed);
    const now = clockMs();
    if (suspects.length > 0 && suspects.every(({ deadlineMs }) => deadlineMs < now)) {
      await this.#kill(suspects);
    } else if (listed !== null && suspects.length === 0 && this.#blockedMs > this.#orphanMsMax) {
      await this.#kill([]);
    }
  }

  get #isBlocked(): boolean {
    return this.#deps.startedAttempts.beats === this.#beats;
  }

  get #blockedMs(): number {
    return this.#silentLooks * LOOK_MS;
  }

  get #orphanMsMax(): number {
    return Math.max(ORPHAN_MS_MIN, this.#deps.graceMs);
  }

  /** Release what the worker holds and has not started, also what a claim took just now. */
  async #releaseOthers(): Promise<void> {
    const { startedAttempts, db: connected, workerId, logger, onReleased } = this.#deps;
    const db = connected();
    if (db === null) {
      return;
    }
    startedAttempts.close();
    try {
      const listed = startedAttempts.list();
      if (listed === null) {
        return;
      }
      const kept = new Set([...this.#keep(listed), ...listed.ended].map(attemptToken));
      // Named one by one, not whatever is held when the statement is executed: if its response is
      // lost it may be executed late, and must not release what the worker claimed after this.
      const others = (await heldAttempts(db, workerId)).filter(
        (attempt) => !kept.has(attemptToken(attempt)),
      );
      if (others.length > 0) {
        const released = await settleTasks(db, {
          outcomes: jsonOf(others, { outcome: "release" }),
          count: others.length,
        });
        const tasks = released === "all" ? others.length : released.length;
        logger.warn(
          { tasks, blockedMs: this.#blockedMs },
          "the event loop is blocked; released the tasks that wait",
        );
      }
    } finally {
      startedAttempts.reopen();
      onReleased();
    }
  }

  /** The attempts under way that stay: all but those that wait while another one blocks. */
  #keep({ underWay, current }: StartedAttemptsList): readonly StartedAttempt[] {
    return underWay.filter(
      ({ index, isReading }) =>
        current === null ||
        index === current.index ||
        !isReading ||
        !this.#deps.startedAttempts.take(index),
    );
  }

  async #kill(suspects: readonly StartedAttempt[]): Promise<void> {
    const { db: connected, workerId, logger } = this.#deps;
    if (!this.#isBlocked) {
      return;
    }
    const tasks = suspects.map(({ taskId }) => taskId);
    logger.fatal({ tasks }, "the event loop is blocked past any timeout; killing the worker");
    const db = connected();
    const [only, ...others] = suspects;
    try {
      // One of several blocks the loop, or none that is known: their tasks are left to the rescue,
      // which counts a death for each and stops at the third.
      if (db !== null && only !== undefined && others.length === 0) {
        await settleTasks(db, { outcomes: jsonOf([only], blockedBy(only)), count: 1 });
        await endWorker(db, workerId, "a handler blocks the event loop");
      }
    } catch (err) {
      logger.error({ err }, "the end of the attempt is not recorded; its task will be rescued");
    }
    // Not process.exit, which would end this thread alone: the main one runs none of our code.
    process.kill(process.pid, "SIGKILL");
  }
}

/** The attempts of which one blocks the loop. */
function suspectsOf({ underWay, current }: StartedAttemptsList): readonly StartedAttempt[] {
  return current === null ? underWay : [current];
}

function blockedBy({ isReading }: StartedAttempt): Outcome {
  const what = isReading ? "reading the payload" : "the handler";
  return {
    outcome: "retry",
    error: `AttemptAborted: timed out; ${what} blocked the event loop past the grace time`,
    delayMs: backoffMs(1, DEFAULT_BACKOFF),
    detail: { class: "timeout" },
  };
}

function jsonOf(attempts: readonly Attempt[], outcome: Outcome): string {
  const endings = attempts.map((attempt) => endingOf(attempt, outcome, { resultBytesMax: 0 }));
  return `[${endings.map(({ json }) => json).join(",")}]`;
}

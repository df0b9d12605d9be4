import type { Logger } from "pino";
import type { Attempt } from "../errors.ts";
import type { Handler } from "../handler.ts";
import type { Outcome } from "../outcome.ts";
import type { ClaimedTask } from "../task.ts";
import type { AbortKind } from "./abort-reason.ts";
import { type AttemptHost, RunningAttempt } from "./attempt.ts";
import { type Ending, endingOf } from "./ending.ts";
import type { Flag } from "./flag.ts";
import { Rate } from "./rate.ts";
import type { Settler } from "./settler.ts";
import { startAnywhere } from "./start-anywhere.ts";

/** A worker holds what it starts within so long at its present rate, and no more. */
const PREFETCH_MS = 100;
/** A rate is never told from less: a few quick tasks say little of the next. */
const SAMPLE_MIN = 10;
const SAMPLE_MS_MIN = 3;
/** A task that waited here for so long is handed back, for a worker that is faster. */
const STALE_MS = 1_000;
/** Rows in one claim. Half as many are a tenth dearer for each, for the commits and the plans. */
const CLAIM_MAX = 1_000;
/** Endings that may wait for the database before no more attempts are started. */
const UNSETTLED_MAX = 2_000;

export type SlotsDeps = {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly concurrency: number;
  readonly resultBytesMax: number;
  readonly settler: Pick<Settler, "settle" | "size" | "unsettled">;
  readonly host: AttemptHost;
  readonly logger: Logger;
  /** Raised when a slot became free. */
  readonly changed: Flag;
};

/** One claim to make: at most `limit` tasks, of none of the `full` types. */
export type ClaimPlan = { readonly limit: number; readonly full: ReadonlySet<string> };

export type Plan = {
  /** One after the other, until there is no room left. */
  readonly claims: readonly ClaimPlan[];
  /** Tasks that all of them together may take. */
  readonly room: number;
  /** Whether every type has room: a slot that becomes free makes no other claim worthwhile. */
  readonly isWhole: boolean;
};

/** The tasks that a worker holds: those that run, in a bounded number, and those that wait. */
export class Slots {
  readonly #deps: SlotsDeps;
  readonly #running = new Map<string, RunningAttempt>();
  readonly #heldOfType = new Map<string, number>();
  readonly #rate = new Rate(performance.now());
  readonly #limited: ReadonlyMap<string, number>;
  /** When tasks came last, how many ended since, and the rate between that and the time before. */
  #newest = { at: 0, ended: 0, perMsBefore: 0 };
  #waiting: { task: ClaimedTask; since: number }[] = [];
  /** Whether endings that the database has not taken yet keep claims back. */
  #isHeldBack = false;

  constructor(deps: SlotsDeps) {
    this.#deps = deps;
    this.#limited = new Map(
      [...deps.handlers].flatMap(([type, { concurrency }]) =>
        concurrency === undefined ? [] : [[type, concurrency] as const],
      ),
    );
  }

  get isEmpty(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** The attempts that this worker holds as far as it knows: to run, running, or to settle. */
  known(): Attempt[] {
    return [
      ...[...this.#running.values()].map(({ task }) => task),
      ...this.#waiting.map(({ task }) => task),
      ...this.#deps.settler.unsettled,
    ];
  }

  /** The claims that are worth making now. Types with a limit of their own go apart. */
  plan(now: number): Plan {
    const want = this.#room(now);
    if (want === 0) {
      return { claims: [], room: 0, isWhole: false };
    }
    const types = [...this.#deps.handlers.keys()];
    const limitedTypes = new Set(this.#limited.keys());
    const claims: ClaimPlan[] =
      limitedTypes.size < types.length ? [{ limit: want, full: limitedTypes }] : [];
    let isWhole = true;
    for (const [type, concurrency] of this.#limited) {
      const limit = Math.min(want, concurrency - (this.#heldOfType.get(type) ?? 0));
      if (limit > 0) {
        claims.push({ limit, full: new Set(types.filter((other) => other !== type)) });
      } else {
        isWhole = false;
      }
    }
    return { claims: startAnywhere(claims), room: want, isWhole };
  }

  /**
   * Take what was claimed. With `more`, where another claim follows at once, the attempts start
   * when it is on its way, so that the database works while they do.
   */
  accept(tasks: readonly ClaimedTask[], { more }: { more: boolean }): void {
    const since = performance.now();
    this.#newest = { at: since, ended: 0, perMsBefore: this.#perMsSinceClaim(since) };
    for (const task of tasks) {
      this.#count(task, 1);
      this.#waiting.push({ task, since });
    }
    if (more) {
      setImmediate(() => this.#fill());
    } else {
      this.#fill();
    }
  }

  /** Tell an attempt to stop, if it is still this worker's. */
  abort({ taskId, attempt }: Attempt, kind: AbortKind): void {
    this.#running.get(`${taskId}/${attempt}`)?.abort(kind);
  }

  abortAll(kind: AbortKind): void {
    for (const attempt of this.#running.values()) {
      attempt.abort(kind);
    }
  }

  /** Give back what has not been started; with `staleAt` only what waits for too long. */
  releaseWaiting({ staleAt }: { staleAt?: number } = {}): void {
    const isKept = ({ since }: { since: number }) =>
      staleAt !== undefined && staleAt - since < STALE_MS;
    const released = this.#waiting.filter((waiting) => !isKept(waiting));
    if (released.length > 0) {
      this.#waiting = this.#waiting.filter(isKept);
      for (const { task } of released) {
        this.#settle(task, { outcome: "release" });
      }
    }
  }

  /** The worker was declared dead: nothing here is its own, and nothing can be given back. */
  loseAll(): void {
    this.#waiting = [];
    this.abortAll("lease lost");
  }

  /** Record an end for attempts whose handlers go on; they are not this worker's any more. */
  settleRunning(outcomeOf: (attempt: RunningAttempt) => Outcome | null): void {
    for (const [token, attempt] of this.#running) {
      this.#running.delete(token);
      const outcome = outcomeOf(attempt);
      if (outcome !== null) {
        this.#settle(attempt.task, outcome);
      }
    }
  }

  #room(now: number): number {
    const { concurrency, settler } = this.#deps;
    this.#isHeldBack = settler.size > UNSETTLED_MAX;
    if (this.#isHeldBack) {
      return 0;
    }
    // Rounded down: one task ahead at a rate of one a second would wait for that second.
    const perMs = Math.max(this.#rate.perSecond(now) / 1_000, this.#perMsOfClaims(now));
    const prefetch = Math.floor(perMs * PREFETCH_MS);
    // Refilled when it is half empty, so that claims stay large.
    if (this.#running.size >= concurrency && this.#waiting.length * 2 > prefetch) {
      return 0;
    }
    const room = concurrency + prefetch - this.#running.size - this.#waiting.length;
    return Math.min(Math.max(room, 0), CLAIM_MAX);
  }

  /**
   * The rate as the two newest claims show it. A worker that wakes up waits for claims more
   * than it works, so that its average says little: without this it took no more than it has
   * slots, 500 no-op tasks in 20 claims instead of 3.
   */
  #perMsOfClaims(now: number): number {
    return Math.max(this.#newest.perMsBefore, this.#perMsSinceClaim(now));
  }

  #perMsSinceClaim(now: number): number {
    const { at, ended } = this.#newest;
    // All slots were free again once.
    return ended < Math.max(this.#deps.concurrency, SAMPLE_MIN)
      ? 0
      : ended / Math.max(SAMPLE_MS_MIN, now - at);
  }

  #fill(): void {
    let started = 0;
    while (this.#running.size < this.#deps.concurrency && started < this.#waiting.length) {
      const next = this.#waiting[started];
      started += 1;
      if (next !== undefined) {
        this.#start(next.task);
      }
    }
    this.#waiting.splice(0, started);
  }

  #start(task: ClaimedTask): void {
    const handler = this.#deps.handlers.get(task.taskType);
    if (handler === undefined) {
      // Not of a lane of this worker: no claim returns it.
      throw new Error(`expected a handler for task type ${task.taskType}, got none`);
    }
    const attempt = new RunningAttempt(task, handler, this.#deps.host);
    const token = `${task.taskId}/${task.attempt}`;
    this.#running.set(token, attempt);
    void this.#runToEnd(token, attempt);
  }

  async #runToEnd(token: string, attempt: RunningAttempt): Promise<void> {
    const outcome = await attempt.run();
    // Ends, not starts: to fill empty slots says nothing about when they are free again.
    this.#rate.add();
    this.#newest.ended += 1;
    // False where settleRunning was quicker: the handler ended too late.
    if (!this.#running.delete(token)) {
      return;
    }
    if (outcome === null) {
      this.#count(attempt.task, -1);
    } else {
      this.#settle(attempt.task, outcome);
    }
    this.#fill();
    this.#deps.changed.raise();
  }

  #settle(task: ClaimedTask, outcome: Outcome): void {
    this.#count(task, -1);
    const ending = endingOf(task, outcome, this.#deps);
    this.#deps.settler.settle(ending, (held) => this.#noteSettled(task, ending, held));
  }

  #noteSettled({ taskId, taskType, attempt }: ClaimedTask, ending: Ending, held: boolean): void {
    const { logger, changed } = this.#deps;
    if (this.#isHeldBack) {
      changed.raise();
    }
    if (held && ending.error === null && !logger.isLevelEnabled("debug")) {
      return;
    }
    const line = { taskId, taskType, attempt, outcome: ending.outcome, error: ending.error };
    if (!held) {
      logger.info(line, "lease lost; the end of the attempt is not recorded");
    } else if (ending.error !== null) {
      logger.warn(line, "attempt settled");
    } else {
      logger.debug(line, "attempt settled");
    }
  }

  #count({ taskType }: ClaimedTask, by: 1 | -1): void {
    if (this.#limited.has(taskType)) {
      this.#heldOfType.set(taskType, (this.#heldOfType.get(taskType) ?? 0) + by);
    }
  }
}

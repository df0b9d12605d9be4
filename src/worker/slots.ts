import type { Logger } from "pino";
import type { Attempt } from "../errors.ts";
import type { Handler } from "../handler.ts";
import type { Outcome } from "../outcome.ts";
import type { ClaimedTask } from "../task.ts";
import type { AbortKind } from "./abort-reason.ts";
import { type AttemptHost, RunningAttempt } from "./attempt.ts";
import { endingOf } from "./ending.ts";
import type { Flag } from "./flag.ts";
import { logSettled } from "./log-settled.ts";
import { Pace } from "./pace.ts";
import type { Settler } from "./settler.ts";
import { startAnywhere } from "./start-anywhere.ts";

/** A worker holds what it starts within so long at its present rate, and no more. */
const PREFETCH_MS = 100;
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

/** Claimed at `since` in `epoch`, and not begun. */
type Waiting = { readonly task: ClaimedTask; readonly since: number; readonly epoch: number };

/** One claim to make: at most `limit` tasks, of none of the `full` types. */
export type ClaimPlan = { readonly limit: number; readonly full: ReadonlySet<string> };

export type Plan = {
  /** One after the other, until there is no room left. */
  readonly claims: readonly ClaimPlan[];
  /** Tasks that all of them together may take. */
  readonly room: number;
  /** Whether every type has room: a slot that becomes free makes no other claim worthwhile. */
  readonly isWhole: boolean;
  /** To be passed on with what these claims take. */
  readonly epoch: number;
};

/** The tasks that a worker holds: those that run, in a bounded number, and those that wait. */
export class Slots {
  readonly #deps: SlotsDeps;
  readonly #running = new Map<string, RunningAttempt>();
  readonly #heldOfType = new Map<string, number>();
  readonly #pace: Pace;
  readonly #limited: ReadonlyMap<string, number>;
  readonly #limitedTypes: ReadonlySet<string>;
  #waiting: Waiting[] = [];
  /** The epoch in which all that waits was claimed; null where that differs. */
  #epoch: number | null = null;
  /** Whether endings that the database has not taken yet keep claims back. */
  #isHeldBack = false;

  constructor(deps: SlotsDeps) {
    this.#deps = deps;
    this.#pace = new Pace(deps.concurrency, performance.now());
    this.#limited = new Map(
      [...deps.handlers].flatMap(([type, { concurrency }]) =>
        concurrency === undefined ? [] : [[type, concurrency] as const],
      ),
    );
    this.#limitedTypes = new Set(this.#limited.keys());
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
    const { begun } = this.#deps.host;
    const { epoch } = begun;
    const want = begun.isTakingBack ? 0 : this.#room(now);
    if (want === 0) {
      return { claims: [], room: 0, isWhole: false, epoch };
    }
    const full = this.#limitedTypes;
    if (full.size === 0) {
      return { claims: [{ limit: want, full }], room: want, isWhole: true, epoch };
    }
    const types = [...this.#deps.handlers.keys()];
    const claims: ClaimPlan[] = full.size < types.length ? [{ limit: want, full }] : [];
    let isWhole = true;
    for (const [type, concurrency] of this.#limited) {
      const limit = Math.min(want, concurrency - (this.#heldOfType.get(type) ?? 0));
      if (limit > 0) {
        claims.push({ limit, full: new Set(types.filter((other) => other !== type)) });
      } else {
        isWhole = false;
      }
    }
    return { claims: startAnywhere(claims), room: want, isWhole, epoch };
  }

  /**
   * Take what was claimed. With `more`, where another claim follows at once, the attempts start
   * when it is on its way, so that the database works while they do.
   */
  accept(tasks: readonly ClaimedTask[], { more, epoch }: { more: boolean; epoch: number }): void {
    const since = performance.now();
    this.#pace.claimed(since, { more });
    this.#epoch = this.#waiting.length === 0 || this.#epoch === epoch ? epoch : null;
    for (const task of tasks) {
      this.#count(task, 1);
      this.#waiting.push({ task, since, epoch });
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
    this.#releaseAllBut(({ since }) => staleAt !== undefined && staleAt - since < STALE_MS);
  }

  /** Go on after the event loop was blocked: what waits since then is not this worker's. */
  resume(): void {
    this.#fill();
    this.#deps.changed.raise();
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
    const prefetch = Math.floor(this.#pace.perMs(now) * PREFETCH_MS);
    // Refilled when it is half empty, so that claims stay large.
    if (this.#running.size >= concurrency && this.#waiting.length * 2 > prefetch) {
      return 0;
    }
    const room = concurrency + prefetch - this.#running.size - this.#waiting.length;
    return Math.min(Math.max(room, 0), CLAIM_MAX);
  }

  #releaseAllBut(isKept: (waiting: Waiting) => boolean): void {
    const released = this.#waiting.filter((waiting) => !isKept(waiting));
    if (released.length > 0) {
      this.#waiting = this.#waiting.filter(isKept);
      for (const { task } of released) {
        this.#settle(task, { outcome: "release" });
      }
    }
  }

  #fill(): void {
    const { epoch } = this.#deps.host.begun;
    // Not looked through at each end of an attempt: that cost 3 us of the 18 that a task took.
    if (this.#epoch !== epoch) {
      // The thread gave it back, or tried to: twice is no harm, and not at all would be.
      this.#releaseAllBut((waiting) => waiting.epoch === epoch);
      this.#epoch = epoch;
    }
    let started = 0;
    while (this.#running.size < this.#deps.concurrency && started < this.#waiting.length) {
      const next = this.#waiting[started];
      started += 1;
      if (next !== undefined) {
        this.#start(next);
      }
    }
    this.#waiting.splice(0, started);
  }

  #start({ task, epoch }: Waiting): void {
    const handler = this.#deps.handlers.get(task.taskType);
    if (handler === undefined) {
      // Not of a lane of this worker: no claim returns it.
      throw new Error(`expected a handler for task type ${task.taskType}, got none`);
    }
    const attempt = new RunningAttempt(task, handler, this.#deps.host, epoch);
    const token = `${task.taskId}/${task.attempt}`;
    this.#running.set(token, attempt);
    void this.#runToEnd(token, attempt);
  }

  async #runToEnd(token: string, attempt: RunningAttempt): Promise<void> {
    const outcome = await attempt.run();
    this.#pace.ended();
    // False where settleRunning was quicker: the handler ended too late.
    if (!this.#running.delete(token)) {
      return;
    }
    if (outcome === null) {
      this.#count(attempt.task, -1);
      attempt.forget();
    } else {
      this.#settle(attempt.task, outcome, attempt);
    }
    this.#fill();
    this.#deps.changed.raise();
  }

  #settle(task: ClaimedTask, outcome: Outcome, attempt?: RunningAttempt): void {
    const { settler, changed, logger } = this.#deps;
    this.#count(task, -1);
    const ending = endingOf(task, outcome, this.#deps);
    settler.settle(ending, (held) => {
      attempt?.forget();
      if (this.#isHeldBack) {
        changed.raise();
      }
      logSettled(logger, { task, ending, held });
    });
  }

  #count({ taskType }: ClaimedTask, by: 1 | -1): void {
    if (this.#limited.has(taskType)) {
      this.#heldOfType.set(taskType, (this.#heldOfType.get(taskType) ?? 0) + by);
    }
  }
}

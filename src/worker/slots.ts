/**
 * The slots of a worker: how much it claims, which attempts run, and what becomes of them.
 */

import type { Logger } from "pino";
import type { Handler } from "../model/handler.ts";
import type { Outcome } from "../model/outcome.ts";
import { type Attempt, attemptToken, type ClaimedTask } from "../model/task.ts";
import { Observation } from "../system/observation.ts";
import { type AttemptHost, RunningAttempt } from "./attempt.ts";
import { type Ending, endingOf } from "./ending.ts";
import type { AbortKind } from "./failure.ts";
import { startAnywhere } from "./lanes.ts";
import { Pace } from "./pace.ts";
import { logSettled, type Settler } from "./settler.ts";
import { type WaitingTask, WaitingTasks } from "./waiting-tasks.ts";
import type { WakeUp } from "./wake-up.ts";

/** A worker holds what it starts within so long at its present rate, and no more. */
const PREFETCH_MS = 100;
/** A task that waited here for so long is released, for a worker that is faster. */
const STALE_MS = 1_000;
/** Rows in one claim. Half as many are a tenth dearer for each, for the commits and the plans. */
const CLAIM_MAX = 1_000;
/** Endings that may wait for the database before no more attempts are started … */
const WAITING_ENDINGS_MAX = 2_000;
/** … and the bytes of all that are not recorded. Those of running attempts come on top. */
const UNSETTLED_BYTES_MAX = 32 * 2 ** 20;
/**
 * Bytes of input that wait here. In a claim each task has an equal share of what is left; longer
 * input stays in the database until its attempt starts.
 */
const INPUT_BYTES_MAX = 16 * 2 ** 20;

/** An attempt began; its task had been due for so long. */
export const attemptStarted = new Observation<{
  readonly taskType: string;
  readonly waitSeconds: number;
}>();

/** An attempt ended after so long; without an outcome, it had lost its task. */
export const attemptEnded = new Observation<{
  readonly taskType: string;
  readonly outcome: string;
  readonly runSeconds: number;
}>();

type SlotsDeps = {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly concurrency: number;
  readonly settler: Pick<Settler, "settle" | "size" | "bytes" | "unsettled">;
  readonly host: AttemptHost;
  readonly logger: Logger;
  /** Raised when a slot became free. */
  readonly changed: WakeUp;
};

/** One claim to make: at most `limit` tasks, of none of the `full` types. */
type ClaimPlan = { readonly limit: number; readonly full: ReadonlySet<string> };

export type Plan = {
  /** One after the other, until no capacity is left. */
  readonly claims: readonly ClaimPlan[];
  /** Tasks that all of them together may take. */
  readonly capacity: number;
  /** Of each task so much input is taken along; longer input is loaded by its attempt. */
  readonly inputBytesMax: number;
  /** Whether every type has capacity: a slot that becomes free makes no other claim worthwhile. */
  readonly isWhole: boolean;
  /** To be passed on with the tasks of these claims. */
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
  readonly #waiting = new WaitingTasks();
  /** Whether claims wait for the database to record endings. */
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
    return this.#running.size === 0 && this.#waiting.count === 0;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** The attempts that this worker holds as far as it knows: to run, running, or to settle. */
  known(): Attempt[] {
    return [
      ...[...this.#running.values()].map(({ task }) => task),
      ...this.#waiting.list(),
      ...this.#deps.settler.unsettled,
    ];
  }

  /** The claims that are worth making now. Types with a limit of their own go apart. */
  plan(now: number): Plan {
    const { startedAttempts } = this.#deps.host;
    const { epoch } = startedAttempts;
    const want = startedAttempts.isReleasing ? 0 : this.#capacity(now);
    const freeBytes = Math.max(0, INPUT_BYTES_MAX - this.#waiting.inputLength);
    const shared = {
      capacity: want,
      inputBytesMax: Math.floor(freeBytes / Math.max(1, want)),
      epoch,
    };
    if (want === 0) {
      return { ...shared, claims: [], isWhole: false };
    }
    const full = this.#limitedTypes;
    if (full.size === 0) {
      return { ...shared, claims: [{ limit: want, full }], isWhole: true };
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
    return { ...shared, claims: startAnywhere(claims), isWhole };
  }

  /**
   * Take over claimed tasks. With `more`, where another claim follows at once, the attempts start
   * when it is on its way, so that the database works while they do.
   */
  accept(
    tasks: readonly ClaimedTask[],
    { more, epoch, askedMs }: { more: boolean; epoch: number; askedMs: number },
  ): void {
    const since = performance.now();
    this.#pace.claimed(since, { more });
    for (const task of tasks) {
      this.#count(task, 1);
    }
    this.#waiting.add(tasks, { since, epoch, askedMs });
    if (more) {
      setImmediate(() => this.#fill());
    } else {
      this.#fill();
    }
  }

  /** Tell an attempt to stop, if it is still this worker's. */
  abort(attempt: Attempt, kind: AbortKind): void {
    this.#running.get(attemptToken(attempt))?.abort(kind);
  }

  abortAll(kind: AbortKind): void {
    for (const attempt of this.#running.values()) {
      attempt.abort(kind);
    }
  }

  /** Release the tasks that have not started; with `staleAt` only those that wait for too long. */
  releaseWaiting({ staleAt }: { staleAt?: number } = {}): void {
    this.#release(
      this.#waiting.takeAllBut(({ since }) => staleAt !== undefined && staleAt - since < STALE_MS),
    );
  }

  /** Go on after the event loop was blocked: tasks that wait since then are not this worker's. */
  resume(): void {
    this.#fill();
    this.#deps.changed.raise();
  }

  /** The worker was declared dead: nothing here is its own, and nothing can be released. */
  loseAll(): void {
    this.#waiting.takeAllBut(() => false);
    this.abortAll("lease lost");
  }

  /** Record an end for attempts whose handlers go on, and forget them. */
  settleRunning(outcomeOf: (attempt: RunningAttempt) => Outcome | null): void {
    for (const [token, attempt] of this.#running) {
      this.#running.delete(token);
      const outcome = outcomeOf(attempt);
      if (outcome !== null) {
        this.#settle(attempt.task, endingOf(attempt.task, outcome, this.#deps.host));
      }
    }
  }

  /** Whether claims and starts must wait for the database to record endings. */
  #holdBack(): boolean {
    const { settler } = this.#deps;
    this.#isHeldBack = settler.size > WAITING_ENDINGS_MAX || settler.bytes > UNSETTLED_BYTES_MAX;
    return this.#isHeldBack;
  }

  #capacity(now: number): number {
    const { concurrency } = this.#deps;
    if (this.#holdBack()) {
      return 0;
    }
    // Rounded down: one task ahead at a rate of one a second would wait for that second.
    const prefetch = Math.floor(this.#pace.perMs(now) * PREFETCH_MS);
    // Refilled when it is half empty, so that claims stay large.
    if (this.#running.size >= concurrency && this.#waiting.count * 2 > prefetch) {
      return 0;
    }
    const free = concurrency + prefetch - this.#running.size - this.#waiting.count;
    return Math.min(Math.max(free, 0), CLAIM_MAX);
  }

  #release(tasks: readonly WaitingTask[]): void {
    for (const { task } of tasks) {
      this.#settle(task, endingOf(task, { outcome: "release" }, this.#deps.host));
    }
  }

  #fill(): void {
    // The thread released them, or tried to: twice does no harm, and not at all would.
    this.#release(this.#waiting.takeOfOtherEpochs(this.#deps.host.startedAttempts.epoch));
    const free = this.#deps.concurrency - this.#running.size;
    if (free > 0 && this.#waiting.count > 0 && !this.#holdBack()) {
      for (const next of this.#waiting.take(free)) {
        this.#start(next);
      }
    }
  }

  #start({ task, epoch, since, askedMs }: WaitingTask): void {
    const handler = this.#deps.handlers.get(task.taskType);
    if (handler === undefined) {
      // Not of a lane of this worker: no claim returns it.
      throw new Error(`expected a handler for task type ${task.taskType}, got none`);
    }
    const attempt = new RunningAttempt(task, handler, this.#deps.host, {
      epoch,
      claim: { askedMs, answeredMs: since },
    });
    const token = attemptToken(task);
    this.#running.set(token, attempt);
    if (attemptStarted.isHeard) {
      // By the clock of this host, which may be behind that of the server.
      const waitSeconds = Math.max(0, Date.now() - Date.parse(task.runAt)) / 1_000;
      attemptStarted.tell({ taskType: task.taskType, waitSeconds });
    }
    void this.#runToEnd(token, attempt);
  }

  async #runToEnd(token: string, attempt: RunningAttempt): Promise<void> {
    const startedMs = performance.now();
    const ending = await attempt.run();
    if (attemptEnded.isHeard) {
      const runSeconds = (performance.now() - startedMs) / 1_000;
      const { taskType } = attempt.task;
      attemptEnded.tell({ taskType, outcome: ending?.outcome ?? "lost", runSeconds });
    }
    this.#pace.ended();
    // False where settleRunning was quicker: the handler ended too late.
    if (!this.#running.delete(token)) {
      return;
    }
    if (ending === null) {
      this.#count(attempt.task, -1);
      attempt.trace?.lose();
      attempt.forget();
    } else {
      this.#settle(attempt.task, ending, attempt);
    }
    this.#fill();
    this.#deps.changed.raise();
  }

  #settle(task: ClaimedTask, ending: Ending, attempt?: RunningAttempt): void {
    const { settler, changed, logger } = this.#deps;
    this.#count(task, -1);
    const settled = attempt?.trace?.settle(ending);
    settler.settle(ending, (held) => {
      settled?.(held);
      attempt?.forget();
      logSettled(logger, { task, ending, held });
      if (this.#isHeldBack && !this.#holdBack()) {
        this.#fill();
        changed.raise();
      }
    });
  }

  #count({ taskType }: ClaimedTask, by: 1 | -1): void {
    if (this.#limited.has(taskType)) {
      this.#heldOfType.set(taskType, (this.#heldOfType.get(taskType) ?? 0) + by);
    }
  }
}

/**
 * One attempt at one task: payload in, handler, its end written down; timeout and abort in
 * between.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Logger } from "pino";
import type { Database } from "../database/database.ts";
import { LeaseLostError } from "../model/errors.ts";
import type { Handler } from "../model/handler.ts";
import type { Outcome } from "../model/outcome.ts";
import { type Attempt, type ClaimedTask, hasInput, type TaskInput } from "../model/task.ts";
import { failpoint } from "../system/failpoint.ts";
import { AttemptTrace, type ClaimTimes } from "./attempt-trace.ts";
import { type Ending, endingOf } from "./ending.ts";
import { type AbortKind, AttemptAborted, outcomeOfThrown } from "./failure.ts";
import { AttemptContext, type ProgressReport } from "./handler-context.ts";
import { checkResult, parseTaskPayload } from "./handler-schemas.ts";
import type { StartedAttempts } from "./started-attempts.ts";

const TIMEOUT_MS_DEFAULT = 600_000;

/** Thrown in place of calling the handler: the event loop was blocked since the claim. */
const RELEASED = new Error("the attempt was released before it started");

/** What an attempt needs of its worker. */
export type AttemptHost = {
  readonly logger: Logger;
  /** How long a handler may go on after it was told to stop. */
  readonly graceMs: number;
  readonly resultBytesMax: number;
  /** Where the heartbeat thread sees which attempts have started. */
  readonly startedAttempts: StartedAttempts;
  /** What handlers enqueue and ask through. */
  readonly taskDb: Database;
  /**
   * The input that a claim left out because it is long. Null where the attempt lost its task.
   * Rejects when the signal aborts.
   */
  readonly loadInput: (attempt: Attempt, signal: AbortSignal) => Promise<TaskInput | null>;
  readonly sendProgress: (attempt: RunningAttempt, progress: ProgressReport) => void;
  /** The handler ignores its signal: nothing in this process can stop it. */
  readonly onStuck: (attempt: RunningAttempt) => void;
};

/** The attempt in whose handler the current code runs; for errors that nobody caught. */
export const currentAttempt = new AsyncLocalStorage<RunningAttempt>();

/**
 * From the first look at its payload to the last at its result the attempt is listed in
 * `host.startedAttempts`: all of that is other people's code, or driven by their data, and may
 * block the event loop.
 */
export class RunningAttempt {
  readonly task: ClaimedTask;
  readonly handler: Handler;
  readonly #host: AttemptHost;
  readonly #epoch: number;
  readonly #claim: ClaimTimes;
  #trace: AttemptTrace | null = null;
  /** In `host.startedAttempts`; null while it is not listed. */
  #index: number | null = null;
  #controller: AbortController | null = null;
  #context: AttemptContext | null = null;
  #reject: (strayError: unknown) => void = () => undefined;
  #aborted: AttemptAborted | null = null;
  #timeout: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  /** `epoch`: that of its claim, by `host.startedAttempts`. */
  constructor(
    task: ClaimedTask,
    handler: Handler,
    host: AttemptHost,
    { epoch, claim }: { readonly epoch: number; readonly claim: ClaimTimes },
  ) {
    this.task = task;
    this.#epoch = epoch;
    this.#claim = claim;
    this.handler = handler;
    this.#host = host;
  }

  /** Null where nothing is traced, or the handler has not begun. */
  get trace(): AttemptTrace | null {
    return this.#trace;
  }

  get aborted(): AttemptAborted | null {
    return this.#aborted;
  }

  /** Made when the handler asks for it, which few do. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted !== null) {
        this.#controller.abort(this.#aborted);
      }
    }
    return this.#controller.signal;
  }

  /** Tell the handler to stop. The first reason counts. */
  abort(kind: AbortKind, how = ""): void {
    if (this.#aborted !== null) {
      return;
    }
    this.#aborted = new AttemptAborted(kind, this.#describe(kind) + how);
    this.#graceTimer = setTimeout(() => this.#host.onStuck(this), this.#host.graceMs);
    this.#controller?.abort(this.#aborted);
  }

  /** An error that the handler let escape: of a callback, or of a promise nobody awaits. */
  fail(strayError: unknown): void {
    this.#reject(strayError);
  }

  sendProgress(progress: ProgressReport): void {
    this.#host.sendProgress(this, progress);
  }

  /** Resolves with its end; null when the lease was lost and nothing may be recorded. */
  async run(): Promise<Ending | null> {
    try {
      const ending = await this.#runToEnd();
      return this.#aborted?.kind === "lease lost" ? null : ending;
    } finally {
      clearTimeout(this.#timeout);
      clearTimeout(this.#graceTimer);
      this.#context?.close();
      // They hold the result, and the attempt is kept until its end is recorded.
      this.#context = null;
      this.#reject = () => undefined;
      if (this.#index !== null) {
        this.#host.startedAttempts.end(this.#index);
      }
    }
  }

  /** Its end is recorded, or never will be. */
  forget(): void {
    if (this.#index !== null) {
      this.#host.startedAttempts.forget(this.#index);
      this.#index = null;
    }
  }

  /**
   * What to record of an attempt whose handler goes on although it was told to stop. An attempt
   * that took too long has failed, also where another one takes the worker down.
   */
  outcomeWhenStuck(): Outcome | null {
    const aborted = this.#aborted;
    if (aborted === null || aborted.kind === "lease lost") {
      return null;
    }
    if (aborted.kind !== "timeout") {
      return this.#outcomeOfThrown(aborted, aborted);
    }
    const error = `${aborted.message}; the handler ignored its signal until its worker ended`;
    const late = new AttemptAborted("timeout", error);
    return this.#outcomeOfThrown(late, late);
  }

  async #runToEnd(): Promise<Ending> {
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#reject = reject;
        currentAttempt.run(this, () => this.#runHandler()).then(resolve, reject);
      });
      // It finished before it noticed that it should stop: the work was done.
      return this.#execute(() => this.#endingOf({ outcome: "finish", result }));
    } catch (thrown) {
      if (thrown === RELEASED) {
        return this.#endingOf({ outcome: "release" });
      }
      return this.#execute(() => {
        this.#host.logger.debug({ err: thrown, taskId: this.task.taskId }, "handler threw");
        return this.#endingOf(this.#outcomeOfThrown(thrown, this.#aborted));
      });
    }
  }

  async #runHandler(): Promise<unknown> {
    const { task, handler } = this;
    const input = hasInput(task) ? task : await this.#loadInput();
    const tracing = AttemptTrace.start(task, input.metadataText, this.#claim);
    this.#trace = tracing;
    // From here to the call of the handler in one turn of the event loop, if the schema can be.
    this.#start();
    const startedMs = performance.now();
    const parsed = this.#execute(() => parseTaskPayload(handler, input.payloadText));
    const payload = parsed instanceof Promise ? await parsed : parsed;
    this.#refuseLate(performance.now() - startedMs);
    if (this.#index !== null && !this.#host.startedAttempts.run(this.#index)) {
      throw RELEASED;
    }
    failpoint("run.before");
    const context = new AttemptContext(this, input, this.#host);
    this.#context = context;
    const run = () => handler.run(payload.value, context.forHandler());
    const result: unknown = await this.#execute(tracing === null ? run : () => tracing.run(run));
    failpoint("run.ended");
    const checked = this.#execute(() => checkResult(handler, result));
    return (checked instanceof Promise ? await checked : checked).value;
  }

  async #loadInput(): Promise<TaskInput> {
    const input = await this.#host.loadInput(this.task, this.signal);
    if (input === null) {
      this.abort("lease lost");
      throw this.signal.reason;
    }
    return input;
  }

  /**
   * Before anything of the task is read, and no earlier: of all attempts that start in one turn
   * of the event loop the first may block it, and the others are free to run elsewhere.
   */
  #start(): void {
    const { startedAttempts, graceMs } = this.#host;
    this.#index = startedAttempts.start(this.task, this.#timeoutMs + graceMs, this.#epoch);
    if (this.#index === null) {
      throw RELEASED;
    }
    this.#timeout = setTimeout(() => this.abort("timeout"), this.#timeoutMs);
  }

  /** Reading the payload took `ms`, in which the timer may have had no chance to fire. */
  #refuseLate(ms: number): void {
    if (ms > this.#timeoutMs) {
      this.abort(
        "timeout",
        `; reading the payload took ${Math.round(ms)} ms and blocked the worker`,
      );
    }
    if (this.#aborted !== null) {
      throw this.#aborted;
    }
  }

  /** Code of the handler, or code that its data drives: it is to blame if that blocks the loop. */
  #execute<Result>(code: () => Result): Result {
    return this.#index === null ? code() : this.#host.startedAttempts.execute(this.#index, code);
  }

  #endingOf(outcome: Outcome): Ending {
    return endingOf(this.task, this.#context?.complete(outcome) ?? outcome, this.#host);
  }

  #outcomeOfThrown(thrown: unknown, aborted: AttemptAborted | null): Outcome {
    return outcomeOfThrown(thrown, { task: this.task, handler: this.handler, aborted });
  }

  get #timeoutMs(): number {
    return this.handler.timeout ?? TIMEOUT_MS_DEFAULT;
  }

  #describe(kind: AbortKind): string {
    switch (kind) {
      case "timeout":
        return `timed out after ${this.#timeoutMs} ms`;
      case "cancel":
        return "cancelled by user";
      case "lease lost":
        return new LeaseLostError(this.task).message;
      case "shutdown":
        return "the worker is stopping";
    }
  }
}

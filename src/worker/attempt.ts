import { AsyncLocalStorage } from "node:async_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Logger } from "pino";
import { LeaseLostError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import type { Note, Outcome } from "../outcome.ts";
import type { Database } from "../postgres/database.ts";
import type { ClaimedTask } from "../task.ts";
import { type AbortKind, AttemptAborted } from "./abort-reason.ts";
import type { Begun } from "./begun.ts";
import { EffectList } from "./effect-list.ts";
import { outcomeOfThrown } from "./outcome-of.ts";
import { checkResult, parsePayload } from "./parse-payload.ts";
import { type Progress, ProgressReporter } from "./progress.ts";
import { type QueueAccess, queueAccess } from "./queue-access.ts";

const TIMEOUT_MS_DEFAULT = 600_000;

/** Thrown in place of calling the handler: the event loop was blocked since the claim. */
const TAKEN_BACK = new Error("the attempt was taken back before it began");

/** What an attempt needs of its worker. */
export type AttemptHost = {
  readonly logger: Logger;
  /** How long a handler may go on after it was told to stop. */
  readonly graceMs: number;
  /** Where the heartbeat thread sees whose handlers were called. */
  readonly begun: Begun;
  /** What handlers enqueue and ask through. */
  readonly taskDb: Database;
  sendProgress(attempt: RunningAttempt, progress: Progress): void;
  /** The handler ignores its signal: nothing in this process can stop it. */
  onStuck(attempt: RunningAttempt): void;
};

/** The attempt in whose handler the current code runs; for errors that nobody caught. */
export const currentAttempt = new AsyncLocalStorage<RunningAttempt>();

/**
 * One attempt at one task: payload in, handler, outcome out; timeout and abort in between.
 *
 * What few handlers look at is made when asked for: with a signal, a progress reporter and
 * a race between promises for each, an attempt that does nothing cost 13 us of processor
 * time instead of 10, most of it in the garbage collector.
 */
export class RunningAttempt {
  readonly task: ClaimedTask;
  readonly handler: Handler;
  readonly #host: AttemptHost;
  readonly #epoch: number;
  #place: number | null = null;
  #controller: AbortController | null = null;
  #progress: ProgressReporter | null = null;
  #effects: EffectList | null = null;
  #note: Note | null = null;
  #reject: (strayError: unknown) => void = () => undefined;
  #aborted: AttemptAborted | null = null;
  #graceTimer: NodeJS.Timeout | undefined;

  /** `epoch`: when it was claimed, as `host.begun` tells. */
  constructor(task: ClaimedTask, handler: Handler, host: AttemptHost, epoch: number) {
    this.task = task;
    this.#epoch = epoch;
    this.handler = handler;
    this.#host = host;
  }

  get aborted(): AttemptAborted | null {
    return this.#aborted;
  }

  /** Tell the handler to stop. The first reason counts. */
  abort(kind: AbortKind): void {
    if (this.#aborted !== null) {
      return;
    }
    this.#aborted = new AttemptAborted(kind, this.#describe(kind));
    this.#graceTimer = setTimeout(() => this.#host.onStuck(this), this.#host.graceMs);
    this.#controller?.abort(this.#aborted);
  }

  /** An error that the handler let escape: of a callback, or of a promise nobody awaits. */
  fail(strayError: unknown): void {
    this.#reject(strayError);
  }

  /** Resolves with the outcome; null when the lease was lost and nothing may be recorded. */
  async run(): Promise<Outcome | null> {
    const timeout = setTimeout(() => this.abort("timeout"), this.#timeoutMs);
    let outcome: Outcome;
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#reject = reject;
        currentAttempt.run(this, () => this.#runHandler()).then(resolve, reject);
      });
      // It finished before it noticed that it should stop: the work was done.
      outcome = { outcome: "finish", result, ...(this.#note !== null && { detail: this.#note }) };
    } catch (err) {
      if (err === TAKEN_BACK) {
        return { outcome: "release" };
      }
      this.#host.logger.debug({ err, taskId: this.task.taskId }, "handler threw");
      outcome = outcomeOfThrown(err, {
        task: this.task,
        handler: this.handler,
        aborted: this.#aborted,
      });
    } finally {
      clearTimeout(timeout);
      clearTimeout(this.#graceTimer);
      this.#progress?.close();
      if (this.#place !== null) {
        this.#host.begun.end(this.#place);
      }
    }
    return this.#aborted?.kind === "lease lost" ? null : this.#withEffects(outcome);
  }

  /** Its end is recorded, or never will be. */
  forget(): void {
    if (this.#place !== null) {
      this.#host.begun.forget(this.#place);
      this.#place = null;
    }
  }

  /** What to record of an attempt whose handler goes on although it was told to stop. */
  outcomeWhenStuck(): Outcome | null {
    if (this.#aborted?.kind === "timeout") {
      const error = `${this.#aborted.message}; the handler ignored its signal for ${this.#host.graceMs} ms more`;
      return outcomeOfThrown(new Error(error), {
        task: this.task,
        handler: this.handler,
        aborted: new AttemptAborted("timeout", error),
      });
    }
    return this.#aborted === null || this.#aborted.kind === "lease lost"
      ? null
      : outcomeOfThrown(this.#aborted, {
          task: this.task,
          handler: this.handler,
          aborted: this.#aborted,
        });
  }

  /** Of an attempt that failed or goes back they are dropped: the next one asks for its own. */
  #withEffects(outcome: Outcome): Outcome {
    return this.#effects !== null && (outcome.outcome === "finish" || outcome.outcome === "ask")
      ? { ...outcome, effects: this.#effects.members }
      : outcome;
  }

  async #runHandler(): Promise<unknown> {
    const payload = await parsePayload(this.handler, this.task.payloadText);
    this.#begin();
    failpoint("run.before");
    const result: unknown = await this.handler.run(payload, this.#context());
    failpoint("run.ended");
    return await checkResult(this.handler, result);
  }

  /**
   * At the last moment: of all attempts that start in one turn of the event loop, the first
   * handler may block it, and the others are free to run elsewhere.
   */
  #begin(): void {
    const { begun, graceMs } = this.#host;
    this.#place = begun.begin(this.task, this.#timeoutMs + graceMs, this.#epoch);
    if (this.#place === null) {
      throw TAKEN_BACK;
    }
  }

  get #timeoutMs(): number {
    return this.handler.timeout ?? TIMEOUT_MS_DEFAULT;
  }

  #context(): HandlerContext {
    const { task } = this;
    const { logger } = this.#host;
    const signal = () => this.#signal();
    let child: Logger | undefined;
    let queue: QueueAccess | undefined;
    const access = () => (queue ??= queueAccess(this.#host.taskDb, { task, signal }));
    return {
      task,
      attempt: task.attempt,
      failureCount: task.failureCount,
      maxAttempts: task.maxAttempts,
      previousError: task.previousError,
      decision: task.decision,
      get signal() {
        return signal();
      },
      get logger() {
        child ??= logger.child({
          taskId: task.taskId,
          taskType: task.taskType,
          attempt: task.attempt,
        });
        return child;
      },
      progress: (percent, step) => {
        this.#progress ??= new ProgressReporter((newest) => this.#host.sendProgress(this, newest));
        this.#progress.report(percent, step);
      },
      note: (note) => {
        this.#note = { ...this.#note, ...note };
      },
      enqueue: (tasks) => access().enqueue(tasks),
      query: (text, values) => access().query(text, values),
      effects: {
        add: (effect) => {
          this.#effects ??= new EffectList();
          this.#effects.add(effect);
        },
      },
    };
  }

  #signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted !== null) {
        this.#controller.abort(this.#aborted);
      }
    }
    return this.#controller.signal;
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

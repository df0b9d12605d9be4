import type { Logger } from "pino";
import type { HandlerContext } from "../handler.ts";
import { isRecord } from "../json.ts";
import type { Note, Outcome } from "../outcome.ts";
import type { Database } from "../postgres/database.ts";
import type { ClaimedTask, TaskInput } from "../task.ts";
import { EffectList } from "./effect-list.ts";
import { type Progress, ProgressReporter } from "./progress.ts";
import { type QueueAccess, queueAccess } from "./queue-access.ts";

/** What the context needs of its attempt. */
type ContextOwner = {
  readonly task: ClaimedTask;
  readonly signal: AbortSignal;
  sendProgress(progress: Progress): void;
};

type ContextHost = { readonly logger: Logger; readonly taskDb: Database };

/**
 * What one attempt gives its handler beside the payload, and what the handler left there.
 *
 * What few handlers look at is made when asked for: with a signal, a progress reporter and
 * a race between promises for each, an attempt that does nothing cost 13 us of processor
 * time instead of 10, most of it in the garbage collector.
 */
export class AttemptContext {
  readonly #attempt: ContextOwner;
  readonly #input: TaskInput;
  readonly #host: ContextHost;
  #progress: ProgressReporter | null = null;
  #effects: EffectList | null = null;
  #note: Note | null = null;

  constructor(attempt: ContextOwner, input: TaskInput, host: ContextHost) {
    this.#attempt = attempt;
    this.#input = input;
    this.#host = host;
  }

  /** The handler has ended: what it still says of its progress is not worth sending. */
  close(): void {
    this.#progress?.close();
  }

  /**
   * An outcome with what the handler asked for beside it. Of an attempt that failed or goes
   * back the effects are dropped: the next one asks for its own.
   */
  complete(outcome: Outcome): Outcome {
    if (this.#effects === null && this.#note === null) {
      return outcome;
    }
    if (outcome.outcome !== "finish" && outcome.outcome !== "ask") {
      return outcome;
    }
    const asked = this.#effects === null ? outcome : { ...outcome, effects: this.#effects.members };
    return this.#note !== null && asked.outcome === "finish"
      ? { ...asked, detail: this.#note }
      : asked;
  }

  forHandler(): HandlerContext {
    const attempt = this.#attempt;
    const { task } = attempt;
    const { logger, taskDb } = this.#host;
    const input = this.#input;
    let child: Logger | undefined;
    let decision: unknown;
    let queue: QueueAccess | undefined;
    const access = () => (queue ??= queueAccess(taskDb, { task, signal: () => attempt.signal }));
    return {
      task: contextTaskOf(task, input),
      attempt: task.attempt,
      failureCount: task.failureCount,
      maxAttempts: task.maxAttempts,
      previousError: input.previousError,
      get decision() {
        decision ??= input.decisionText === null ? null : JSON.parse(input.decisionText);
        return decision;
      },
      get signal() {
        return attempt.signal;
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
        this.#progress ??= new ProgressReporter((newest) => attempt.sendProgress(newest));
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
}

/** Its metadata are parsed when the handler asks for them, in its own time. */
function contextTaskOf(
  { taskId, taskType, queue, parentTaskId, rootTaskId }: ClaimedTask,
  { metadataText }: TaskInput,
): HandlerContext["task"] {
  let metadata: Readonly<Record<string, unknown>> | undefined;
  return {
    taskId,
    taskType,
    queue,
    parentTaskId,
    rootTaskId,
    get metadata() {
      metadata ??= parseObject(metadataText);
      return metadata;
    },
  };
}

/** Of a column that holds objects alone. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}

import { clearTimeout, setTimeout } from "node:timers";
import type { Logger } from "pino";
import { DATABASE, type Database, type WithDatabase } from "../database/database.ts";
import { enqueueTasks } from "../database/producer.ts";
import { EFFECT_KINDS, EFFECT_LIMITS, type Effect } from "../model/effect.ts";
import type { HandlerContext } from "../model/handler.ts";
import { isRecord } from "../model/json.ts";
import { type Note, type Outcome, PermanentError } from "../model/outcome.ts";
import { serializePayload } from "../model/payload.ts";
import type { ClaimedTask, TaskInput } from "../model/task.ts";
import { traceparentOf } from "../system/tracing.ts";
import { resultText } from "./ending.ts";
import { boundedText } from "./failure.ts";

/** What the context needs of its attempt. */
type ContextOwner = {
  readonly task: ClaimedTask;
  readonly signal: AbortSignal;
  readonly sendProgress: (progress: ProgressReport) => void;
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
  #task: HandlerContext["task"] | null = null;
  #logger: Logger | null = null;
  #queue: QueueAccess | null = null;
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

  forHandler(): HandlerContext & WithDatabase {
    return new ContextOfHandler(this, this.#attempt.task, this.#input);
  }

  get task(): HandlerContext["task"] {
    this.#task ??= contextTaskOf(this.#attempt.task, this.#input);
    return this.#task;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get logger(): Logger {
    const { taskId, taskType, attempt } = this.#attempt.task;
    this.#logger ??= this.#host.logger.child({ taskId, taskType, attempt });
    return this.#logger;
  }

  get queue(): QueueAccess {
    const attempt = this.#attempt;
    this.#queue ??= queueAccess(this.#host.taskDb, {
      task: attempt.task,
      signal: () => attempt.signal,
    });
    return this.#queue;
  }

  progress(percent: number, step?: string): void {
    this.#progress ??= new ProgressReporter((newest) => this.#attempt.sendProgress(newest));
    this.#progress.report(percent, step);
  }

  addNote(note: Note): void {
    this.#note = { ...this.#note, ...note };
  }

  addEffect(effect: Effect): void {
    this.#effects ??= new EffectList();
    this.#effects.add(effect);
  }
}

const CONTEXT = Symbol("context of an attempt");

/**
 * What a handler holds. It may be taken apart and copied, as `{ ...context }`: each part is a
 * property of its own that needs no `this`.
 *
 * Parts that are made when asked for have accessors that all contexts share. In an object literal
 * an accessor is a new function each time, so that no two objects have the same shape: 1 us for
 * each, and a tenth of the worker's time.
 */
class ContextOfHandler implements HandlerContext, WithDatabase {
  readonly [CONTEXT]: AttemptContext;
  readonly attempt: number;
  readonly failureCount: number;
  readonly maxAttempts: number;
  readonly previousError: string | null;
  readonly decision: unknown;
  readonly progress: HandlerContext["progress"];
  readonly note: HandlerContext["note"];
  readonly enqueue: HandlerContext["enqueue"];
  readonly effects: HandlerContext["effects"];
  declare readonly task: HandlerContext["task"];
  declare readonly signal: AbortSignal;
  declare readonly logger: Logger;
  declare readonly [DATABASE]: Database;

  static readonly #MADE_WHEN_ASKED_FOR = [
    ["task", accessor((context) => context.task)],
    ["signal", accessor((context) => context.signal)],
    ["logger", accessor((context) => context.logger)],
    [DATABASE, accessor((context) => context.queue.database)],
  ] as const;

  constructor(context: AttemptContext, task: ClaimedTask, input: TaskInput) {
    this[CONTEXT] = context;
    this.attempt = task.attempt;
    this.failureCount = task.failureCount;
    this.maxAttempts = task.maxAttempts;
    this.previousError = input.previousError;
    this.decision = input.decisionText === null ? null : JSON.parse(input.decisionText);
    this.progress = (percent, step) => context.progress(percent, step);
    this.note = (note) => context.addNote(note);
    this.enqueue = (tasks) => context.queue.enqueue(tasks);
    this.effects = { add: (effect) => context.addEffect(effect) };
    for (const [name, descriptor] of ContextOfHandler.#MADE_WHEN_ASKED_FOR) {
      Object.defineProperty(this, name, descriptor);
    }
  }
}

/** A property that is read from the context of the attempt. */
function accessor<Part>(read: (context: AttemptContext) => Part) {
  return {
    get(this: ContextOfHandler): Part {
      return read(this[CONTEXT]);
    },
    enumerable: true,
    configurable: true,
  };
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

/** An attempt reports at most once in so long; the newest report counts. */
const PROGRESS_INTERVAL_MS = 250;

/** Characters of a step; sql/functions/settle/held-tasks.sql cuts there too. */
const STEP_MAX = 200;

export type ProgressReport = { readonly percent: number; readonly step: string | null };

/** Thins out what a handler reports. `send` must not throw. */
class ProgressReporter {
  readonly #send: (progress: ProgressReport) => void;
  #newest: ProgressReport | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (progress: ProgressReport) => void) {
    this.#send = send;
  }

  /** Throws a RangeError for a percentage that is not an integer from 0 to 100. */
  report(percent: number, step?: string): void {
    if (!(Number.isInteger(percent) && percent >= 0 && percent <= 100)) {
      throw new RangeError(`expected percent to be an integer from 0 to 100, got ${percent}`);
    }
    this.#newest = { percent, step: step === undefined ? null : stepText(step) };
    if (this.#timer === null) {
      this.#sendNewest();
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#sendNewest();
      }, PROGRESS_INTERVAL_MS);
    }
  }

  /** The attempt ended: what was not sent is not worth sending. */
  close(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    this.#newest = null;
  }

  #sendNewest(): void {
    if (this.#newest !== null) {
      this.#send(this.#newest);
      this.#newest = null;
    }
  }
}

/** Whoever writes in JavaScript may give anything. */
function stepText(step: unknown): string {
  return boundedText(String(step).slice(0, STEP_MAX));
}

/**
 * The effects that one attempt asked for, as JSON. They stay in memory until the attempt is
 * settled, and go with it.
 */
export class EffectList {
  /** Of each the members kind, key and payload, without the braces around them. */
  readonly #members: string[] = [];
  #bytes = 0;

  get members(): readonly string[] {
    return this.#members;
  }

  /**
   * Throws a PermanentError for what the outbox cannot hold: another attempt would ask for
   * the same.
   */
  add({ kind, key, payload }: Effect): void {
    const { countMax, keyMax, bytesMax } = EFFECT_LIMITS;
    if (!EFFECT_KINDS.includes(kind)) {
      throw new PermanentError(
        `expected kind to be one of ${EFFECT_KINDS.join(", ")}, got ${kind}`,
      );
    }
    if (typeof key !== "string" || key === "" || key.length > keyMax || boundedText(key) !== key) {
      throw new PermanentError(`expected key to be text of 1 to ${keyMax} characters`);
    }
    if (this.#members.length === countMax) {
      throw new PermanentError(`expected at most ${countMax} effects of one attempt`);
    }
    const text = effectPayloadText(payload, bytesMax - this.#bytes);
    this.#bytes += Buffer.byteLength(text);
    const traceparent = traceparentOf();
    this.#members.push(
      `"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)},"payload":${text}` +
        (traceparent === null ? "" : `,"traceparent":"${traceparent}"`),
    );
  }
}

function effectPayloadText(payload: unknown, bytesMax: number): string {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw new PermanentError("expected the payload of an effect to be an object");
  }
  try {
    return resultText(payload, bytesMax);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PermanentError(`an effect cannot be stored: ${reason}`, { cause });
  }
}

/** What the handler of a task may ask of the queue. */
type QueueAccess = Pick<HandlerContext, "enqueue"> & { readonly database: Database };

/**
 * Access on `db`, for the handler of `task`. Nothing is asked once `signal` has aborted: an
 * attempt that lost its task must not go on enqueueing for it.
 */
function queueAccess(
  db: Database,
  { task, signal }: { task: ClaimedTask; signal: () => AbortSignal },
): QueueAccess {
  return {
    async enqueue(children) {
      signal().throwIfAborted();
      const tasks = children.map(({ payload, ...options }) => ({
        ...options,
        payload: serializePayload(payload),
        parentTaskId: task.taskId,
      }));
      return tasks.length === 0 ? [] : await enqueueTasks(db, tasks);
    },
    database: {
      schema: db.schema,
      async query(statement) {
        signal().throwIfAborted();
        return await db.query(statement);
      },
    },
  };
}

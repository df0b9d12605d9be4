import type { Logger } from "pino";
import type { z } from "zod";
import type { Backoff } from "./backoff.ts";
import type { Effect } from "./effect.ts";
import type { Note } from "./outcome.ts";
import type { ChildTask, Enqueued } from "./task.ts";

/** What a handler gets beside its payload. */
export type HandlerContext = {
  /** Who is being worked on. Ids are decimal strings, because bigint is wider than number. */
  readonly task: {
    readonly taskId: string;
    readonly taskType: string;
    readonly queue: string;
    readonly parentTaskId: string | null;
    readonly rootTaskId: string | null;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  /** Number of this attempt, from 1. It only grows; snoozes and rescues count. */
  readonly attempt: number;
  /** Failed attempts so far, and how many are allowed. */
  readonly failureCount: number;
  readonly maxAttempts: number;
  /** Error text of the attempt before, or null. */
  readonly previousError: string | null;
  /** The answer of a person, after NeedsDecision; else null. */
  readonly decision: unknown;
  /**
   * Aborts on timeout, cancel, lost lease and shutdown; `signal.reason` says which. A
   * handler that goes on past the grace time takes its worker process down.
   */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /**
   * Tell how far the attempt is. `percent` is an integer 0-100, `step` a short text. Sent
   * at most a few times a second, the newest last; never fails the attempt.
   */
  readonly progress: (percent: number, step?: string) => void;
  /**
   * Say how the result came about, such as `{ cache: "hit" }`: kept in the `detail` of the
   * history row that records the return of the handler. The keys of several notes add up; at
   * most 4096 bytes, beyond which the attempt fails for good.
   */
  readonly note: (note: Note) => void;
  /**
   * Enqueue tasks whose parent is this one: all in one transaction of their own, or none, and
   * at most 64 MiB. The answers come in the order of the tasks. The attempt may run again, also
   * when it has enqueued: give each task a `dedupeKey` and a `dedupeForMs` that outlast that.
   */
  readonly enqueue: (tasks: readonly ChildTask[]) => Promise<readonly Enqueued[]>;
  /**
   * Ask for something to be done outside of the database. It is written by the transaction
   * that records the return of the handler, or its question, and otherwise not at all;
   * `triaged jobs` delivers it. Throws a PermanentError beyond the limits of src/model/effect.ts.
   */
  readonly effects: { readonly add: (effect: Effect) => void };
};

/** A zod schema whose parsed value is an object: what a payload is. */
export type HandlerDefinition<Payload extends z.ZodType, Result extends z.ZodType> = {
  /** Parses the payload. One that does not parse fails the task at once, issues listed. */
  readonly payload: Payload;
  /**
   * Whether integers of the payload that a number would round arrive as bigints; else they are
   * rounded, as JSON.parse does. @default false
   */
  readonly bigints?: boolean;
  /** Checks what `run` returns. One that does not match fails the task at once. */
  readonly result?: Result;
  /** Version of the rules, for caches and history. @default "1" */
  readonly version?: string;
  /** Milliseconds one attempt may take, 1 to 2^31 - 1. @default 600000 */
  readonly timeout?: number;
  /** Failures before the task is `failed`, 1 to 100; enqueue may say otherwise. @default 3 */
  readonly maxAttempts?: number;
  readonly backoff?: Partial<Backoff>;
  /** Attempts of this type at a time in one worker. @default the worker's concurrency */
  readonly concurrency?: number;
  /** Return = finish; throw = see src/model/outcome.ts. */
  run(
    payload: z.output<Payload>,
    context: HandlerContext,
  ): Promise<z.input<Result>> | z.input<Result>;
};

/** What a file in `tasks/` exports by default. */
export type Handler<
  Payload extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
> = HandlerDefinition<Payload, Result> & { readonly [HANDLER]: true };

/** Marks a handler across copies of this package, which `instanceof` would not. */
export const HANDLER: unique symbol = Symbol.for("triaged.handler");

/** Define a handler. Throws a TypeError that names a setting outside its limits. */
export function defineHandler<Payload extends z.ZodType, Result extends z.ZodType = z.ZodType>(
  definition: HandlerDefinition<Payload, Result>,
): Handler<Payload, Result> {
  checkSettings(definition);
  return { ...definition, [HANDLER]: true };
}

/** What `enqueue` takes, and `wait` gives, for a handler. */
export type PayloadOf<Defined> =
  Defined extends Handler<infer Payload> ? z.input<Payload> : Record<string, unknown>;
export type ResultOf<Defined> =
  Defined extends Handler<z.ZodType, infer Result> ? z.output<Result> : unknown;

const LIMITS = [
  ["timeout", 2 ** 31 - 1],
  ["maxAttempts", 100],
  ["concurrency", 1000],
] as const;

function checkSettings(definition: HandlerDefinition<z.ZodType, z.ZodType>): void {
  if (typeof definition.run !== "function") {
    throw new TypeError(`expected run to be a function, got ${typeof definition.run}`);
  }
  for (const [name, max] of LIMITS) {
    const value = definition[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= max)) {
      throw new TypeError(`expected ${name} to be an integer from 1 to ${max}, got ${value}`);
    }
  }
}

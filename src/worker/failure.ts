import { inspect } from "node:util";
import { type Backoff, backoffMs, DEFAULT_BACKOFF } from "../model/backoff.ts";
import type { Handler } from "../model/handler.ts";
import { type FailureClass, type Outcome, PermanentError } from "../model/outcome.ts";
import type { ClaimedTask } from "../model/task.ts";
import { storableText } from "../model/text.ts";

const DELAY_MS_MAX = 366 * 86_400_000;

type Thrower = { task: ClaimedTask; handler: Handler; aborted: AttemptAborted | null };

/**
 * What it means that a handler threw. Never throws itself, which would end the worker: what
 * was thrown may do so when it is looked at.
 */
export function outcomeOfThrown(thrown: unknown, thrower: Thrower): Outcome {
  try {
    return outcomeOf(thrown, thrower);
  } catch (err) {
    const unreadable = new Error("the handler threw something that cannot be read", { cause: err });
    return retry(unreadable, "other", backoffOf(thrower.handler, thrower.task));
  }
}

/**
 * The classes of src/model/outcome.ts are known by their name, because a handler may come with a
 * copy of this package of its own.
 */
function outcomeOf(thrown: unknown, { task, handler, aborted }: Thrower): Outcome {
  // Not cancelled, where it does not matter, and not where it says no more than the signal.
  if (isPermanent(thrown) && aborted?.kind !== "cancel" && !comesOf(thrown, aborted)) {
    return { outcome: "fail", error: errorText(thrown), detail: { class: classOf(thrown) } };
  }
  // What else a handler throws after its signal is most often the signal's doing.
  if (aborted?.kind === "shutdown") {
    return { outcome: "release" };
  }
  if (aborted?.kind === "cancel") {
    return { outcome: "cancelled", error: "Cancelled by user" };
  }
  if (aborted?.kind === "timeout") {
    return retry(aborted, "timeout", backoffOf(handler, task));
  }
  if (!(thrown instanceof Error)) {
    return retry(thrown, "other", backoffOf(handler, task));
  }
  switch (thrown.name) {
    case "RetryableError": {
      const asked = numberOf(thrown, "retryAfterMs");
      const detail = asked === null ? classOf(thrown) : "rate_limit";
      return retry(thrown, detail, asked ?? backoffOf(handler, task));
    }
    case "Snooze": {
      return {
        outcome: "snooze",
        delayMs: numberOf(thrown, "delayMs") ?? 0,
        detail: { reason: boundedText(thrown.message) },
      };
    }
    case "NeedsDecision": {
      const prompt = "prompt" in thrown ? String(thrown.prompt) : thrown.message;
      const partial = "partial" in thrown ? thrown.partial : null;
      return { outcome: "ask", prompt: boundedText(prompt), result: partial };
    }
    default:
      return retry(thrown, classOf(thrown), backoffOf(handler, task));
  }
}

/** In whatever phase of the attempt it was thrown, and under whatever name. */
function isPermanent(thrown: unknown): thrown is Error {
  return (
    thrown instanceof PermanentError || (thrown instanceof Error && thrown.name === PERMANENT_NAME)
  );
}

/** A shutdown is no verdict on the task, though a handler may wrap all that it meets. */
function comesOf(err: Error, aborted: AttemptAborted | null): boolean {
  return aborted?.kind === "shutdown" && causesOf(err).some((cause) => ABORT_NAMES.has(cause.name));
}

const PERMANENT_NAME = "PermanentError";
const ABORT_NAMES = new Set(["AttemptAborted", "AbortError"]);

/** An error and what it comes of. A circle is as likely as a bug in the handler's libraries. */
function causesOf(err: Error): Error[] {
  const seen = new Set<Error>();
  for (let cause: unknown = err; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
  }
  return [...seen];
}

function retry(thrown: unknown, failureClass: FailureClass, delayMs: number): Outcome {
  return { outcome: "retry", error: errorText(thrown), delayMs, detail: { class: failureClass } };
}

function backoffOf(handler: Handler, task: ClaimedTask): number {
  const backoff: Backoff = { ...DEFAULT_BACKOFF, ...handler.backoff };
  return backoffMs(task.failureCount + 1, backoff);
}

function numberOf(err: Error, field: string): number | null {
  const value: unknown = Reflect.get(err, field);
  return typeof value === "number" && !Number.isNaN(value)
    ? Math.round(Math.min(Math.max(value, 0), DELAY_MS_MAX))
    : null;
}

/**
 * A guess at the kind of trouble, from what HTTP clients and the network leave on errors,
 * or on their causes: fetch wraps them.
 */
function classOf(err: Error): FailureClass {
  return (
    causesOf(err)
      .map(ownClassOf)
      .find((own) => own !== "other") ?? "other"
  );
}

function ownClassOf(err: Error): FailureClass {
  const status: unknown = Reflect.get(err, "status") ?? Reflect.get(err, "statusCode");
  const code: unknown = Reflect.get(err, "code");
  if (err.name === "ZodError" || err instanceof InvalidData) {
    return "validation";
  }
  if (err.name === "TimeoutError" || code === "ETIMEDOUT" || status === 408 || status === 504) {
    return "timeout";
  }
  if (status === 401 || status === 403) {
    return "auth";
  }
  if (status === 429) {
    return "rate_limit";
  }
  const isNetwork = typeof code === "string" && /^(E[A-Z]+|UND_ERR_\w+)$/.test(code);
  return isNetwork || (typeof status === "number" && status >= 500) ? "dependency" : "other";
}

/** Why an attempt is told to stop. `signal.reason` in the handler is one of these. */
export type AbortKind = "timeout" | "cancel" | "lease lost" | "shutdown";

/** The attempt must stop. What becomes of its task depends on `kind`. */
export class AttemptAborted extends Error {
  override readonly name = "AttemptAborted";
  readonly kind: AbortKind;

  constructor(kind: AbortKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A payload or a result that is not what the handler declares, or cannot be stored. */
export class InvalidData extends PermanentError {}

/** What is stored of an error, in characters; settle_tasks cuts there too. */
const ERROR_LENGTH_MAX = 8_192;
const CAUSES_MAX = 5;

/**
 * What a task's row and its history say of something that was thrown: name and message, and
 * those of its causes, unless the one around it begins with them. Bounded, and free of what
 * PostgreSQL cannot store.
 */
export function errorText(thrown: unknown): string {
  try {
    return textOf(thrown);
  } catch (cause) {
    // A getter or a Proxy, of whoever threw it; what that throws may be the like.
    return unreadableText(cause);
  }
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return boundedText(`the handler threw something that is not an Error: ${shown(thrown)}`);
  }
  const lines: string[] = [];
  let err: unknown = thrown;
  for (let depth = 0; err instanceof Error && depth < CAUSES_MAX; depth += 1) {
    // Each cut by itself: together they may be longer than any string can be.
    const line = `${beginningOf(err.name)}: ${beginningOf(err.message)}`;
    const outer = lines.at(-1);
    // One that was thrown again with a hint behind it has said this already.
    if (outer === undefined || outer === line || !outer.startsWith(line)) {
      lines.push(line);
    }
    err = err.cause;
  }
  return boundedText(lines.join("\ncaused by "));
}

function unreadableText(cause: unknown): string {
  const text = "the handler threw something that cannot be read";
  try {
    return textOf(new Error(text, { cause }));
  } catch {
    return text;
  }
}

function beginningOf(text: unknown): string {
  return String(text).slice(0, ERROR_LENGTH_MAX);
}

/** The beginning of a text, as PostgreSQL can store it. */
export function boundedText(text: string): string {
  return storableText(text.slice(0, ERROR_LENGTH_MAX));
}

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

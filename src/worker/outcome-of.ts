import { type Backoff, backoffMs, DEFAULT_BACKOFF } from "../backoff.ts";
import type { Handler } from "../handler.ts";
import { type FailureClass, type Outcome, PermanentError } from "../outcome.ts";
import type { ClaimedTask } from "../task.ts";
import type { AttemptAborted } from "./abort-reason.ts";
import { errorText, storable } from "./error-text.ts";
import { InvalidData } from "./invalid-data.ts";

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
 * The classes of src/outcome.ts are known by their name, because a handler may come with a
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
        detail: { reason: storable(thrown.message) },
      };
    }
    case "NeedsDecision": {
      const prompt = "prompt" in thrown ? String(thrown.prompt) : thrown.message;
      const partial = "partial" in thrown ? thrown.partial : null;
      return { outcome: "ask", prompt: storable(prompt), result: partial };
    }
    default:
      return retry(thrown, classOf(thrown), backoffOf(handler, task));
  }
}

/** In whatever phase of the attempt it was thrown, and under whatever name. */
function isPermanent(thrown: unknown): thrown is Error {
  return thrown instanceof PermanentError || (thrown instanceof Error && thrown.name === PERMANENT);
}

/** A shutdown is no verdict on the task, though a handler may wrap all that it meets. */
function comesOf(err: Error, aborted: AttemptAborted | null): boolean {
  return aborted?.kind === "shutdown" && causesOf(err).some((cause) => ABORTS.has(cause.name));
}

const PERMANENT = "PermanentError";
const ABORTS = new Set(["AttemptAborted", "AbortError"]);

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

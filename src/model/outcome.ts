/**
 * What a handler's end means to the queue.
 *
 * Return = finish. The four classes below, thrown, say something else. Anything else that
 * is thrown is a failed attempt: it is retried with backoff until max_attempts failures.
 */

/** Thrown: the task cannot succeed, whatever is tried again. It is `failed` at once. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/** Thrown: the attempt failed, and the other side said when to try again. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  /** Milliseconds to wait in place of the handler's backoff, at most 366 days. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Thrown: not yet. The task runs again after `delayMs`, 0 to 366 days; no failure is counted.
 * The reason is in the history row's `detail`.
 */
export class Snooze extends Error {
  override readonly name = "Snooze";
  readonly delayMs: number;

  constructor(delayMs: number, reason = "snoozed") {
    super(reason);
    this.delayMs = delayMs;
  }
}

/**
 * Thrown: a person must decide. The task waits as `needs_decision` with the prompt; the
 * answer (`triaged decide`, `decide_task`) queues it again and arrives as `context.decision`.
 */
export class NeedsDecision extends Error {
  override readonly name = "NeedsDecision";
  readonly prompt: string;
  /** What is known so far, stored as the task's result while it waits. */
  readonly partial: unknown;

  constructor(prompt: string, partial: unknown = null) {
    super(prompt);
    this.prompt = prompt;
    this.partial = partial;
  }
}

/** The end of one attempt, as the settler sends it to the database. Durations in ms. */
export type Outcome =
  | {
      readonly outcome: "finish";
      readonly result: unknown;
      readonly effects?: EffectMembers;
      readonly detail?: Note;
    }
  | { readonly outcome: "fail"; readonly error: string; readonly detail?: FailureDetail }
  | {
      readonly outcome: "retry";
      readonly error: string;
      readonly delayMs: number;
      readonly detail?: FailureDetail;
    }
  | { readonly outcome: "snooze"; readonly delayMs: number; readonly detail: { reason: string } }
  | { readonly outcome: "release" }
  | {
      readonly outcome: "ask";
      readonly prompt: string;
      readonly result: unknown;
      readonly effects?: EffectMembers;
    }
  | { readonly outcome: "cancelled"; readonly error: string };

/** Of each effect its kind, key and payload, as members of a JSON object. */
export type EffectMembers = readonly string[];

/** What a handler notes about its attempt, in the history row's `detail`. */
export type Note = Readonly<Record<string, string | number | boolean | null>>;

/** Why an attempt failed, in the history row's `detail`. */
type FailureDetail = { readonly class: FailureClass };
export type FailureClass =
  | "timeout"
  | "validation"
  | "auth"
  | "dependency"
  | "rate_limit"
  | "other";

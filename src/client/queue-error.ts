import { z } from "zod";

const CODES = {
  TR001: "unknown_task",
  TR002: "illegal_transition",
  TR003: "limit_exceeded",
  "22023": "bad_argument",
} as const;
export type QueueErrorCode = (typeof CODES)[keyof typeof CODES];

/** The queue refused what was asked: nothing was changed, and asking again does not help. */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: QueueErrorCode;
  /** What to do about it, or null. */
  readonly hint: string | null;

  constructor(
    message: string,
    options: { code: QueueErrorCode; hint: string | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.hint = options.hint;
  }
}

const Refusal = z.object({
  code: z.enum(["TR001", "TR002", "TR003", "22023"]),
  message: z.string(),
  hint: z.string().optional(),
});

/** Run `work`; a refusal by the queue becomes a QueueError, anything else stays what it is. */
export async function withQueueErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (err) {
    const refusal = Refusal.safeParse(err);
    if (!refusal.success) {
      throw err;
    }
    const { code, message, hint = null } = refusal.data;
    throw new QueueError(message, { code: CODES[code], hint, cause: err });
  }
}

/** What a door throws when it will not do what was asked for; light, as applications throw it. */

/** How long a client waits, in seconds, before it asks again what was refused for a moment. */
export const RETRY_AFTER_SECONDS = 1;

/** What a route throws when it will not do what was asked for. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly statusCode: number;
  readonly code: string;
  readonly hint: string | null;
  /** Seconds, of a refusal that passes by itself. */
  readonly retryAfter: number | null;

  constructor(
    statusCode: number,
    code: string,
    message: string,
    { hint = null, retryAfter = null }: { hint?: string | null; retryAfter?: number | null } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}

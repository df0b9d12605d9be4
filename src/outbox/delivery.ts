/** How effects of a kind leave: what a delivery is given, and the errors by which it ends. */
import type { z } from "zod";
import type { ClaimedEffect, PushConfig } from "../database/rows.ts";
import type { EffectKind } from "../model/effect.ts";
import { PermanentError, RetryableError } from "../model/outcome.ts";
import type { EffectsConfig } from "../settings/effects.ts";
import {
  type CircuitBreaker,
  type HttpRequest,
  type HttpResponse,
  retryAfterMs,
  sendRequest,
} from "../system/http.ts";

/** Thrown where nothing is set up to take the effect, or nobody wants it any more. */
export class SkippedEffect extends Error {
  override readonly name = "SkippedEffect";
}

export type DeliveryContext = {
  readonly config: EffectsConfig;
  readonly exchange: Exchange;
  /** Whether nobody can have sent this effect before. */
  readonly isFirstTry: boolean;
  /** Whom to tell of a task; null where that was deleted. */
  readonly pushConfig: (id: string) => Promise<PushConfig | null>;
};

/** What would be sent: for the modes that write it down. */
export type Rendered = {
  /** Where to, without secrets. */
  readonly to: string;
  readonly body: unknown;
  /** For people, in Markdown, where there is such a thing. */
  readonly text?: string;
};

/** How effects of one kind leave. Both throw a PermanentError for a wrong payload. */
export type EffectDelivery = {
  readonly render: (effect: ClaimedEffect, config: EffectsConfig) => Rendered;
  /**
   * One try; resolves with what the other side calls it, or null. It may be the second one at
   * the same effect, and nobody knows how far the first one came. Throws as Exchange does.
   */
  readonly deliver: (effect: ClaimedEffect, context: DeliveryContext) => Promise<string | null>;
};

/**
 * The deliveries that an application adds, by kind. An effect of a kind without one fails for
 * good. `push` and `alert` are the queue's own.
 */
export type Deliveries = Readonly<
  Partial<Record<Exclude<EffectKind, "push" | "alert">, EffectDelivery>>
>;

/** The wait for a host that limits requests and does not say for how long. */
const LIMITED_MS = 60_000;

/** The server did not answer, or answered 5xx: another try in a moment may succeed. */
export class ServerUnavailableError extends Error {
  override readonly name = "ServerUnavailableError";
}

/** Sends a request and judges the answer. */
type Exchange = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * Resolves with a 2xx answer. Rejects with a ServerUnavailableError where another try in a moment
 * may succeed; with a RetryableError where the host asks to wait, or is left alone after failures;
 * with a PermanentError for the rest, which another try would not change. No message tells more of
 * the address than its host.
 */
export function exchangeWith({
  breaker,
  signal,
}: {
  breaker: CircuitBreaker;
  signal: AbortSignal;
}): Exchange {
  return async (request) => {
    const { host } = new URL(request.url);
    const pauseMs = breaker.pauseOf(host);
    if (pauseMs > 0) {
      throw new RetryableError(`${host} failed too often and is left alone for a while`, {
        retryAfterMs: pauseMs,
      });
    }
    const answer = await answerOf(request, { host, breaker, signal });
    refuseUnlessOk(answer, host);
    return answer;
  };
}

async function answerOf(
  request: HttpRequest,
  { host, breaker, signal }: { host: string; breaker: CircuitBreaker; signal: AbortSignal },
): Promise<HttpResponse> {
  try {
    const answer = await sendRequest(request, signal);
    if (answer.status >= 500) {
      breaker.failed(host);
      return answer;
    }
    breaker.succeeded(host);
    return answer;
  } catch (err) {
    if (err instanceof PermanentError) {
      throw err;
    }
    breaker.failed(host);
    throw new ServerUnavailableError(`${host} did not answer: ${reasonOf(err)}`);
  }
}

function refuseUnlessOk({ status, headers }: HttpResponse, host: string): void {
  if (status >= 200 && status < 300) {
    return;
  }
  if (status >= 300 && status < 400) {
    throw new PermanentError(`${host} answered ${status}: redirects are not followed`);
  }
  const waitMs = retryAfterMs(headers, Date.now());
  if (status === 429 || status === 408 || (waitMs !== null && (status === 403 || status >= 500))) {
    throw new RetryableError(`${host} answered ${status}`, { retryAfterMs: waitMs ?? LIMITED_MS });
  }
  if (status >= 500) {
    throw new ServerUnavailableError(`${host} answered ${status}`);
  }
  throw new PermanentError(`${host} answered ${status}`);
}

/** The code of a network error: messages of libraries may quote the address. */
function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) {
    return "unknown error";
  }
  const code: unknown = Reflect.get(err, "code");
  if (err.name === "AbortError" || err.name === "TimeoutError") {
    return "timeout";
  }
  return typeof code === "string" ? code : err.name;
}

/** The payload as its kind has it; a PermanentError that lists the paths that do not fit. */
export function parseEffectPayload<Schema extends z.ZodType>(
  schema: Schema,
  payload: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new PermanentError(`the payload of the effect does not fit: ${issues.join("; ")}`);
  }
  return parsed.data;
}

/** The JSON of an answer; else a ServerUnavailableError, which does not quote it. */
export function parseResponse<Schema extends z.ZodType>(
  schema: Schema,
  { text }: HttpResponse,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new ServerUnavailableError("the answer is not what was asked for");
  }
}

import type { Breaker } from "../breaker.ts";
import { PermanentError, RetryableError } from "../outcome.ts";
import { retryAfterMs } from "../retry-after.ts";
import { type Answer, type Request, send } from "./send.ts";

/** Waited for where a host is over its limit and does not say for how long. */
const LIMITED_MS = 60_000;

/** The other side did not answer, or answered 5xx: it may do better in a moment. */
export class ServerTrouble extends Error {
  override readonly name = "ServerTrouble";
}

/** Sends a request and judges the answer. */
export type Exchange = (request: Request) => Promise<Answer>;

/**
 * Resolves with a 2xx answer. Rejects with ServerTrouble; with a RetryableError where the host
 * asks to wait, or is left alone after failures; with a PermanentError for the rest, which
 * another try would not change. No message tells more of the address than its host.
 */
export function exchangeWith({
  breaker,
  signal,
}: {
  breaker: Breaker;
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
    judge(answer, host);
    return answer;
  };
}

async function answerOf(
  request: Request,
  { host, breaker, signal }: { host: string; breaker: Breaker; signal: AbortSignal },
): Promise<Answer> {
  try {
    const answer = await send(request, signal);
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
    throw new ServerTrouble(`${host} did not answer: ${reasonOf(err)}`);
  }
}

function judge({ status, headers }: Answer, host: string): void {
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
    throw new ServerTrouble(`${host} answered ${status}`);
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

import type { IncomingHttpHeaders } from "node:http";

/** What is asked for beyond that is shortened: a wrong clock or header must not end an effect. */
const WAIT_MS_MAX = 6 * 3_600_000;

/**
 * How long an answer asks to wait, in milliseconds; null where it does not. By Retry-After, in
 * seconds or as a date, else by GitHub's headers of a budget that is used up.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | null {
  const after = headers["retry-after"];
  if (after !== undefined) {
    const at = /^\d+$/.test(after) ? now + Number(after) * 1_000 : Date.parse(after);
    return Number.isNaN(at) ? null : bounded(at - now);
  }
  const reset = Number(headers["x-ratelimit-reset"]);
  return headers["x-ratelimit-remaining"] === "0" && Number.isFinite(reset)
    ? bounded(reset * 1_000 - now)
    : null;
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 0), WAIT_MS_MAX);
}

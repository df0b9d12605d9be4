import { setTimeout as delay } from "node:timers/promises";

/** Wait until the work has ended, however it does, but no longer than `ms`. Never throws. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = delay(ms, undefined, { signal: timer.signal });
  await Promise.race([work, timeout]).catch(() => undefined);
  timer.abort();
}

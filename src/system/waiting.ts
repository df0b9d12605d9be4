import { setTimeout as delay } from "node:timers/promises";

/** Wait, and come back early, without an error, when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** What `work` comes to; the reason of the signal where that aborts before. */
export async function unlessAborted<Result>(
  signal: AbortSignal,
  work: Promise<Result>,
): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    if (signal.aborted) {
      onAbort();
    }
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Run `tick` again and again, `intervalMs` apart, until the signal aborts. */
export async function every(
  intervalMs: number | (() => number),
  signal: AbortSignal,
  tick: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await tick();
    await sleep(typeof intervalMs === "number" ? intervalMs : intervalMs(), signal);
  }
}

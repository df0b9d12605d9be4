import { setTimeout as delay } from "node:timers/promises";

/** Wait, and come back early, without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Run `tick` again and again, `intervalMs` apart, until the signal aborts. */
export async function every(
  intervalMs: number,
  signal: AbortSignal,
  tick: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await tick();
    await pause(intervalMs, signal);
  }
}

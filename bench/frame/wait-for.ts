import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.ts";

type Running = Pick<Child, "ended">;

/**
 * Wait until the condition holds. Throws when it does not within the limit, or when a
 * process that should bring it about fails.
 */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  options: { limitMs: number; everyMs?: number; whileRunning?: Running | readonly Running[] },
): Promise<void> {
  const { limitMs, everyMs = 5, whileRunning = [] } = options;
  const processes = "ended" in whileRunning ? [whileRunning] : whileRunning;
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`expected the measured to happen within ${limitMs} ms, it did not`);
    }
    // A process that failed rejects; one that ended well may have had its last word underway.
    await Promise.race([
      delay(everyMs),
      ...processes.map(({ ended }) => ended.then(() => delay(everyMs))),
    ]);
  }
}

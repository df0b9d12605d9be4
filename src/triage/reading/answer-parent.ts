import { on } from "node:events";
import { setFlagsFromString } from "node:v8";
import { LIMITS } from "../facts/limits.ts";

/**
 * In a process that own-process.ts started: answer one request after the other, by `tellParent`, until the
 * parent has gone.
 */
export async function answerRequests(
  answer: (request: unknown) => void | Promise<void>,
): Promise<void> {
  // Set here, and not where it is started: an engine that does not know it goes on without.
  setFlagsFromString(`--heap-growing-percent=${LIMITS.heapGrowthPercent}`);
  for await (const [request] of on(process, "message", { close: ["disconnect"] })) {
    await answer(request);
    // While nobody waits: what is left of this request would count as memory of the next.
    globalThis.gc?.();
  }
}

/** Send it to the parent; where nobody listens any more, it need not arrive. */
export function tellParent(message: object): void {
  process.send?.(message, undefined, undefined, () => {});
}

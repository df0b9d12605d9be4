import { setTimeout } from "node:timers/promises";
import type { HandlerContext } from "../../handler.ts";
import { Snooze } from "../../outcome.ts";
import type { TriageResult } from "../result.ts";
import { type CacheContext, takeVerdict } from "./verdict-cache.ts";

/** How often one that waits looks. */
const LOOK_INTERVAL_MS = 250;
/**
 * After that a task gives its place to others and comes back: one that took the key over at
 * the end of its own time could not finish.
 */
const WAIT_MS_MAX = 120_000;
const COME_BACK_MS = 5_000;

export type WaitContext = CacheContext & Pick<HandlerContext, "signal" | "progress">;

/**
 * The cached verdict of a key; null where the caller is to work it out, which others wait for
 * from then on. While another task does so, it waits, and tells which. No lock is held: the
 * queue knows whether that task still runs. Rejects with the reason of the signal, and with a
 * Snooze after `waitMsMax`.
 */
export async function awaitVerdict(
  key: string,
  context: WaitContext,
  { waitMsMax = WAIT_MS_MAX }: { waitMsMax?: number } = {},
): Promise<TriageResult | null> {
  const deadline = performance.now() + waitMsMax;
  let told: string | null = null;
  for (;;) {
    context.signal.throwIfAborted();
    const taken = await takeVerdict(key, context);
    if (taken === "to be filled") return null;
    if ("verdict" in taken) return taken.verdict;
    if (taken.fillerTaskId !== told) {
      told = taken.fillerTaskId;
      context.progress(0, `waiting for task ${told}, which works out the same verdict`);
    }
    if (performance.now() > deadline) {
      throw new Snooze(COME_BACK_MS, `task ${told} works out the same verdict`);
    }
    await pause(context.signal);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(LOOK_INTERVAL_MS, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

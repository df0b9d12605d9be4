import { setTimeout } from "node:timers/promises";
import { databaseOf, type HandlerContext, Snooze } from "../../index.ts";
import type { KeyInputs } from "../facts/cache-key.ts";
import { type TriageResult, triageResult } from "../facts/result.ts";
import { leaveVerdict, storeVerdict, takeVerdict } from "../store.ts";

/** How often one that waits looks. */
const LOOK_INTERVAL_MS = 250;
/**
 * After that a task gives its place to others and comes back: one that took the key over at
 * the end of its own time could not finish.
 */
const WAIT_MS_MAX = 120_000;
const COME_BACK_MS = 5_000;

type WaitContext = CacheContext & Pick<HandlerContext, "signal" | "progress">;

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
  let reported: string | null = null;
  for (;;) {
    context.signal.throwIfAborted();
    const taken = await lookUp(key, context);
    if (taken === "to be filled") return null;
    if ("verdict" in taken) return taken.verdict;
    if (taken.fillerTaskId !== reported) {
      reported = taken.fillerTaskId;
      context.progress(0, `waiting for task ${reported}, which works out the same verdict`);
    }
    if (performance.now() > deadline) {
      throw new Snooze(COME_BACK_MS, `task ${reported} works out the same verdict`);
    }
    await waitToLookAgain(context.signal);
  }
}

async function waitToLookAgain(signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(LOOK_INTERVAL_MS, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

/** The attempt that asks, whose context leads to the database. */
type CacheContext = Pick<HandlerContext, "task" | "attempt" | "logger">;

/** What the cache says: a verdict, another task that works it out, or that the caller is to. */
type Taken =
  | { readonly verdict: TriageResult }
  | { readonly fillerTaskId: string }
  | "to be filled";

/** One that cannot be read, as no version of the rules has stored it, counts for none. */
async function lookUp(key: string, context: CacheContext): Promise<Taken> {
  const { verdict, fillerTaskId } = await takeVerdict(databaseOf(context), key, context);
  if (fillerTaskId !== null) return { fillerTaskId };
  const parsed = triageResult.safeParse(verdict);
  return parsed.success ? { verdict: parsed.data } : "to be filled";
}

/**
 * Keep the verdict, and let go of its key. What the database says against it costs the next
 * one who asks an analysis, but not this task its result.
 */
export async function cacheVerdict(
  verdict: TriageResult,
  { relationshipType, configHash }: Pick<KeyInputs, "relationshipType" | "configHash">,
  context: CacheContext,
): Promise<void> {
  const { key } = verdict.cache;
  const kept = { verdict, relationshipType, configHash, keepSeconds: keepSecondsOf(verdict) };
  try {
    await storeVerdict(databaseOf(context), key, context, kept);
  } catch (err) {
    context.logger.warn({ err, key }, "the verdict is not cached");
  }
}

/** Let go of a key without a verdict. Where even that fails, the end of the attempt does it. */
export async function leaveKey(key: string, context: CacheContext): Promise<void> {
  try {
    await leaveVerdict(databaseOf(context), key, context);
  } catch (err) {
    context.logger.debug({ err, key }, "the key is let go at the end of the attempt");
  }
}

const DAY_SECONDS = 86_400;

/** How long a verdict is cached, in seconds. */
export const KEEP_SECONDS = {
  complete: 7 * DAY_SECONDS,
  /** Something was missing that may be there soon: a file, a type, an answer of the model, time. */
  lacking: 600,
} as const;

/** Of all caps the one that depends on how busy the machine is: see run-analysis.ts. */
const SHALLOW = "surface_types";

/** How long this verdict is right to give again without another look. */
export function keepSecondsOf({ evidence, adjudication }: TriageResult): number {
  const isLacking =
    evidence.degraded.length > 0 ||
    adjudication.error !== undefined ||
    evidence.caps_hit.includes(SHALLOW);
  return isLacking ? KEEP_SECONDS.lacking : KEEP_SECONDS.complete;
}

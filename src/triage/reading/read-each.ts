import { extname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../../settings/environment.ts";
import { LIMITS } from "../facts/limits.ts";
import type { READINGS, Reading } from "../pipeline/readings.ts";

type Readings = typeof READINGS;
type Shared<Kind extends Reading> = Parameters<Readings[Kind]>[0];
type Item<Kind extends Reading> = Parameters<ReturnType<Readings[Kind]>>[0];
type Value<Kind extends Reading> = Awaited<ReturnType<ReturnType<Readings[Kind]>>>;

/** What was read of an item, or why it was not. */
type Read<Kind extends Reading> = { readonly value: Value<Kind> } | { readonly leftOut: string };

/** What the thread tells, of one item after the other. */
export type ReadMessage =
  | { readonly value: unknown }
  | { readonly leftOut: string }
  | { readonly error: { readonly message: string; readonly stack: string | undefined } };

type ReadOptions = {
  /** Ends the thread; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  /** @default LIMITS.readingMs, LIMITS.readingsMs */
  readonly limits?: { readonly readingMs: number; readonly readingsMs: number };
};

/** tsc does not rewrite the extension in a URL: the thread's file has this file's own. */
const THREAD = new URL(`./reading-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Read items of strangers' text, each as `kind` says, in a thread: whatever stands in them, no
 * other task of this worker waits for it. An item that takes too much time or memory costs itself
 * and no other: it is left out, and the thread begun again behind it, as long as there is time.
 */
export async function readEach<Kind extends Reading>(
  kind: Kind,
  { shared, items }: { shared: Shared<Kind>; items: readonly Item<Kind>[] },
  { signal, limits = LIMITS }: ReadOptions,
): Promise<Read<Kind>[]> {
  const found: Read<Kind>[] = [];
  const until = performance.now() + limits.readingsMs;
  while (found.length < items.length) {
    signal.throwIfAborted();
    if (performance.now() >= until) {
      found.push({ leftOut: `no time was left of the ${limits.readingsMs} ms for all` });
      continue;
    }
    const request = { kind, shared, items: items.slice(found.length) };
    const why = await readOn(request, { found, until, signal, readingMs: limits.readingMs });
    if (why !== null) found.push({ leftOut: why });
  }
  return found;
}

type Going<Kind extends Reading> = {
  readonly found: Read<Kind>[];
  readonly until: number;
  readonly signal: AbortSignal;
  readonly readingMs: number;
};

/** Adds what a thread reads to what is found. Resolves to why it did not go on; null: it did. */
async function readOn<Kind extends Reading>(
  request: { kind: Kind; shared: Shared<Kind>; items: readonly Item<Kind>[] },
  { found, until, signal, readingMs }: Going<Kind>,
): Promise<string | null> {
  const worker = new Worker(THREAD, {
    workerData: request,
    env: threadEnvironment(),
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.readingHeapMib },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const end = found.length + request.items.length;
  let timer: NodeJS.Timeout | undefined;
  const expectNext = (): void => {
    clearTimeout(timer);
    const limit = Math.min(readingMs, until - performance.now());
    timer = setTimeout(() => void onLate(found.length), Math.max(0, limit));
  };
  const onLate = async (known: number): Promise<void> => {
    // It may have come while others had the event loop.
    await setImmediate();
    if (found.length > known) return;
    resolve(`it took longer than ${readingMs} ms`);
  };
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  // The thread calls what `kind` names, and posts what that gives.
  worker.on("message", (message) => {
    if ("error" in message) {
      reject(Object.assign(new Error(message.error.message), { stack: message.error.stack }));
      return;
    }
    found.push(message);
    if (found.length === end) resolve(null);
    else expectNext();
  });
  worker.on("error", (error) => {
    const isMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    if (isMemory) resolve(`it took more than ${LIMITS.readingHeapMib} MiB`);
    else reject(error);
  });
  worker.on("exit", () => reject(new Error("the thread ended without an answer")));
  expectNext();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
}

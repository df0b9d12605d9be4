import { extname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../../index.ts";
import { LIMITS } from "../facts/limits.ts";

/**
 * How items of one kind are read: by a function that the thread imports, so that nothing of it is
 * loaded here. Given what is the same for all items, it gives what reads one of them.
 */
export type Reading<Shared, Item, Value> = {
  /** URL of the module; a file beside the caller's own has the caller's extension. */
  readonly module: string;
  /** The name under which the module exports the function. */
  readonly name: string;
  /** For the compiler, and never there: the type of the function. */
  readonly type?: (shared: Shared) => (item: Item) => Value | Promise<Value>;
};

/** What was read of an item, or why it was not. */
type Read<Value> = { readonly value: Value } | { readonly leftOut: string };

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
 * Read items of strangers' text in a thread: whatever stands in them, no other task of this
 * worker waits for it. An item that takes too much time or memory costs itself
 * and no other: it is left out, and the thread begun again behind it, as long as there is time.
 */
export async function readEach<Shared, Item, Value>(
  { module, name }: Reading<Shared, Item, Value>,
  { shared, items }: { shared: Shared; items: readonly Item[] },
  { signal, limits = LIMITS }: ReadOptions,
): Promise<Read<Value>[]> {
  const found: Read<Value>[] = [];
  const until = performance.now() + limits.readingsMs;
  while (found.length < items.length) {
    signal.throwIfAborted();
    if (performance.now() >= until) {
      found.push({ leftOut: `no time was left of the ${limits.readingsMs} ms for all` });
      continue;
    }
    const request = { module, name, shared, items: items.slice(found.length) };
    const why = await readOn(request, { found, until, signal, readingMs: limits.readingMs });
    if (why !== null) found.push({ leftOut: why });
  }
  return found;
}

/** What the thread is started with. */
export type ReadRequest = {
  readonly module: string;
  readonly name: string;
  readonly shared: unknown;
  readonly items: readonly unknown[];
};

type Going<Value> = {
  readonly found: Read<Value>[];
  readonly until: number;
  readonly signal: AbortSignal;
  readonly readingMs: number;
};

/** Adds what a thread reads to what is found. Resolves to why it did not go on; null: it did. */
async function readOn<Value>(
  request: ReadRequest,
  { found, until, signal, readingMs }: Going<Value>,
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
  // The thread calls the function of the reading, and posts what that gives.
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

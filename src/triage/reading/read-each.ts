import { on } from "node:events";
import { extname } from "node:path";
import { LIMITS } from "../facts/limits.ts";
import { askProcess, type ProcessEnding } from "./own-process.ts";

/**
 * How items of one kind are read: by a function that the process imports, so that nothing of it is
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

/** What the process tells, of one item after the other. */
export type ReadMessage<Value> = Read<Value> | { readonly error: ReadError };
type ReadError = { readonly message: string; readonly stack: string | undefined };

type ReadOptions = {
  /** Ends the process; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  /** @default those of LIMITS */
  readonly limits?: Partial<ReadingLimits>;
};
type ReadingLimits = Readonly<Record<"readingMs" | "readingsMs" | "readingHeapMib", number>>;

/** tsc does not rewrite the extension in a URL: the other file has this file's own. */
const FILE = new URL(`./reading-process${extname(import.meta.url)}`, import.meta.url);

/**
 * Read items of strangers' text in a process of its own: whatever stands in them, no other task
 * of this worker waits for it, or ends with it. An item that takes too much time or memory costs
 * itself and no other: it is left out, and the process started again behind it, as long as there
 * is time.
 */
export async function readEach<Shared, Item, Value>(
  { module, name }: Reading<Shared, Item, Value>,
  { shared, items }: { shared: Shared; items: readonly Item[] },
  { signal, limits: given }: ReadOptions,
): Promise<Read<Value>[]> {
  const limits = { ...LIMITS, ...given };
  const found: Read<Value>[] = [];
  const until = performance.now() + limits.readingsMs;
  while (found.length < items.length) {
    signal.throwIfAborted();
    if (performance.now() >= until) {
      found.push({ leftOut: `no time was left of the ${limits.readingsMs} ms for all` });
      continue;
    }
    const request = { module, name, shared, items: items.slice(found.length) };
    const why = await readOn(request, { found, until, signal, limits });
    if (why !== null) found.push({ leftOut: why });
  }
  return found;
}

/** What the process is started with. */
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
  readonly limits: ReadingLimits;
};

/** Adds what a process reads to what is found. Resolves to why it did not go on; null: it did. */
async function readOn<Value>(
  request: ReadRequest,
  { found, until, signal, limits: { readingMs, readingHeapMib } }: Going<Value>,
): Promise<string | null> {
  const reader = askProcess(FILE, request, readingHeapMib);
  const last = found.length + request.items.length;
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expectNext = (): void => {
    clearTimeout(timer);
    const known = found.length;
    // It may have come while others had the event loop: look once more.
    const onLate = (): unknown => setImmediate(() => found.length > known || late.abort());
    timer = setTimeout(onLate, Math.max(0, Math.min(readingMs, until - performance.now())));
  };
  const stop = AbortSignal.any([signal, late.signal]);
  try {
    expectNext();
    for await (const [received] of on(reader.child, "message", {
      signal: stop,
      close: ["close"],
    })) {
      const message: ReadMessage<Value> = received; // reading-process.ts sends nothing else
      if ("error" in message) throw errorFrom(message.error);
      found.push(message);
      if (found.length === last) {
        await reader.keep();
        return null;
      }
      expectNext();
    }
    return leftOutBy(reader.whyEnded(), readingHeapMib);
  } catch (error) {
    await reader.end();
    signal.throwIfAborted();
    if (late.signal.aborted) return `it took longer than ${readingMs} ms`;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function leftOutBy(why: ProcessEnding, heapMib: number): string {
  if (why === "memory") return `it took more than ${heapMib} MiB`;
  if (why === "stack") return "it is nested too deeply, or too large";
  throw why.error;
}

function errorFrom({ message, stack }: ReadError): Error {
  return Object.assign(new Error(message), { stack });
}

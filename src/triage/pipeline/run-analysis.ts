import { on } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { PermanentError, threadEnvironment } from "../../index.ts";
import type {
  Analysis,
  AnalysisProgress,
  AnalysisRequest,
  ServiceRequest,
} from "../facts/analysis.ts";
import { LIMITS } from "../facts/limits.ts";
import { type Fault, TooMuchError, unanalysed } from "./analysis-failure.ts";

/** What the thread tells. */
export type ThreadMessage =
  | { readonly progress: AnalysisProgress }
  | { readonly analysis: Analysis }
  | { readonly error: ThreadError };
type ThreadError = {
  readonly fault: Fault;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
};

export type RunOptions = {
  readonly onProgress?: ((progress: AnalysisProgress) => void) | undefined;
  /** Milliseconds until the thread is ended, by depth. @default LIMITS.analysisMs */
  readonly limitMs?: Partial<Readonly<Record<keyof typeof LIMITS.analysisMs, number>>>;
  /** MiB of heap of the thread. @default LIMITS.heapMib */
  readonly heapMib?: number;
  /** When all of it has to be over, as `performance.now()` tells. @default never */
  readonly until?: number;
  /** Ends the thread; the promise rejects with its reason. */
  readonly signal: AbortSignal;
};

/** tsc does not rewrite the extension in a URL: the thread's file has this file's own. */
const THREAD = new URL(`./analysis-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Run an analysis in a thread of its own: the compiler blocks for seconds, and ending its
 * thread is the only way to stop it. That of a package that takes too much time, memory or depth
 * of the stack is run again with less depth, which the result's `capsHit` says. One that takes too
 * much all the same does so each time: its result says that nothing is known.
 *
 * Rejects with `signal.reason`, with a PermanentError when the inputs cannot be analysed, and with
 * any other error for what may go better the next time.
 */
export async function runAnalysis(request: AnyRequest, options: RunOptions): Promise<Analysis> {
  let last: TooMuchError | null = null;
  for (const attempt of shallower(request)) {
    try {
      return await runOnce(attempt, options);
    } catch (error) {
      if (!(error instanceof TooMuchError)) throw error;
      last = error;
    }
  }
  if (last === null) throw new RangeError("expected an analysis to be tried");
  return unanalysed(request, last);
}

type AnyRequest = AnalysisRequest | ServiceRequest;

function shallower(request: AnyRequest): AnyRequest[] {
  return "package" in request && request.depth !== "names"
    ? [request, { ...request, depth: "names" }]
    : [request];
}

async function runOnce(
  request: AnyRequest,
  { onProgress, limitMs, heapMib = LIMITS.heapMib, until = Infinity, signal }: RunOptions,
): Promise<Analysis> {
  signal.throwIfAborted();
  const kind = "package" in request ? request.depth : "service";
  const ownLimit = limitMs?.[kind] ?? LIMITS.analysisMs[kind];
  const left = Math.floor(until - performance.now());
  const limit = Math.min(ownLimit, left);
  const took =
    left < ownLimit
      ? "the analyses of its task took all the time that they have together"
      : `it took longer than ${ownLimit} ms`;
  if (limit <= 0) throw new TooMuchError("analysis_time", took);
  const worker = new Worker(THREAD, {
    workerData: request,
    env: threadEnvironment(),
    // Flags of the parent, such as a loader or an inspector's port, are not for this thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
  });
  // An error that comes after the answer has nobody waiting for it, and must not end the process.
  worker.on("error", () => {});
  const timeout = AbortSignal.timeout(limit);
  try {
    return await answerOf(worker, { onProgress, signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new TooMuchError("analysis_time", took);
    if (isOutOfMemory(error)) {
      throw new TooMuchError("analysis_memory", `it took more than ${heapMib} MiB`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    await worker.terminate();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

type Waiting = { onProgress: RunOptions["onProgress"]; signal: AbortSignal };

async function answerOf(worker: Worker, { onProgress, signal }: Waiting): Promise<Analysis> {
  for await (const [received] of on(worker, "message", { signal, close: ["exit"] })) {
    const message: ThreadMessage = received; // analysis-thread.ts posts nothing else
    if ("analysis" in message) return message.analysis;
    if ("error" in message) throw errorFrom(message.error);
    onProgress?.(message.progress);
  }
  throw new Error("the analysis thread ended without an answer");
}

function errorFrom({ fault, name, message, stack }: ThreadError): Error {
  const cause = Object.assign(new Error(message), { name, stack });
  if (fault === "machine") return cause;
  if (fault === "too much") {
    // What the compiler or the engine says of it may quote its input.
    return new TooMuchError("analysis_depth", "it is nested too deeply, or too large", { cause });
  }
  const error = new PermanentError(
    name === "PermanentError"
      ? message
      : `the analysis failed, and would again: ${name}: ${message}`,
  );
  if (stack !== undefined) error.stack = stack;
  return error;
}

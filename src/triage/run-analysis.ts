import { on } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { PermanentError, RetryableError } from "../outcome.ts";
import { threadEnvironment } from "../thread-environment.ts";
import type { Analysis, AnalysisRequest, Progress, ServiceRequest } from "./analysis.ts";
import { LIMITS } from "./limits.ts";

/** What the thread tells. */
export type ThreadMessage =
  | { readonly progress: Progress }
  | { readonly analysis: Analysis }
  | { readonly error: ThreadError };
type ThreadError = {
  readonly permanent: boolean;
  readonly message: string;
  readonly stack: string | undefined;
};

export type RunOptions = {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Milliseconds until the thread is ended, by depth. @default LIMITS.analysisMs */
  readonly limitMs?: Partial<Readonly<Record<keyof typeof LIMITS.analysisMs, number>>>;
  /** Ends the thread; the promise rejects with its reason. */
  readonly signal: AbortSignal;
};

/** tsc does not rewrite the extension in a URL: the thread's file has this file's own. */
const THREAD = new URL(`./analysis-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Run an analysis in a thread of its own: the compiler blocks for seconds, and ending its
 * thread is the only way to stop it. That of a package that takes too much time or memory is
 * run again with less depth, which the result's `capsHit` says.
 *
 * Rejects with `signal.reason`, with a RetryableError when that takes too long as well,
 * with a PermanentError when the inputs cannot be analysed.
 */
export async function runAnalysis(request: AnyRequest, options: RunOptions): Promise<Analysis> {
  try {
    return await runOnce(request, options);
  } catch (error) {
    if (!(error instanceof TooMuchError)) throw error;
    if (!("package" in request)) throw new RetryableError(error.message);
    if (request.depth === "names") throw error;
    return await runShallow(request, options);
  }
}

type AnyRequest = AnalysisRequest | ServiceRequest;

async function runShallow(request: AnalysisRequest, options: RunOptions): Promise<Analysis> {
  try {
    return await runOnce({ ...request, depth: "names" }, options);
  } catch (error) {
    throw error instanceof TooMuchError ? new RetryableError(error.message) : error;
  }
}

/** The thread was ended because it took too much time or memory. */
class TooMuchError extends Error {
  override readonly name = "TooMuchError";
}

async function runOnce(
  request: AnyRequest,
  { onProgress, limitMs, signal }: RunOptions,
): Promise<Analysis> {
  signal.throwIfAborted();
  const worker = new Worker(THREAD, {
    workerData: request,
    env: threadEnvironment(),
    // Flags of the parent, such as a loader or an inspector's port, are not for this thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.heapMib },
  });
  // An error that comes after the answer has nobody waiting for it, and must not end the process.
  worker.on("error", () => {});
  const kind = "package" in request ? request.depth : "service";
  const limit = limitMs?.[kind] ?? LIMITS.analysisMs[kind];
  const timeout = AbortSignal.timeout(limit);
  try {
    return await answerOf(worker, { onProgress, signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new TooMuchError(`the analysis took longer than ${limit} ms`);
    if (isOutOfMemory(error)) {
      throw new TooMuchError(`the analysis took more than ${LIMITS.heapMib} MiB`, { cause: error });
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

function errorFrom({ permanent, message, stack }: ThreadError): Error {
  const error = permanent ? new PermanentError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

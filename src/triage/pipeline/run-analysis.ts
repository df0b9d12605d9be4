import { on } from "node:events";
import { extname } from "node:path";
import { PermanentError } from "../../index.ts";
import type {
  Analysis,
  AnalysisProgress,
  AnalysisRequest,
  ServiceRequest,
} from "../facts/analysis.ts";
import { LIMITS } from "../facts/limits.ts";
import { askProcess, type OwnProcess } from "../reading/own-process.ts";
import { type Fault, TooMuchError, unanalysed } from "./analysis-failure.ts";

/** What the process tells. */
export type AnalysisMessage =
  | { readonly progress: AnalysisProgress }
  | { readonly analysis: Analysis }
  | { readonly error: AnalysisError };
type AnalysisError = {
  readonly fault: Fault;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
};

export type RunOptions = {
  readonly onProgress?: ((progress: AnalysisProgress) => void) | undefined;
  /** Milliseconds until the process is ended, by depth. @default LIMITS.analysisMs */
  readonly limitMs?: Partial<Readonly<Record<keyof typeof LIMITS.analysisMs, number>>>;
  /** MiB of heap of the process. @default LIMITS.heapMib */
  readonly heapMib?: number;
  /** When all of it has to be over, as `performance.now()` tells. @default never */
  readonly until?: number;
  /** Ends the process; the promise rejects with its reason. */
  readonly signal: AbortSignal;
};

/** tsc does not rewrite the extension in a URL: the other file has this file's own. */
const FILE = new URL(`./analysis-process${extname(import.meta.url)}`, import.meta.url);

/**
 * Run an analysis in a process of its own: the compiler blocks for seconds, and ending its
 * process is the only way to stop it. That of a package that takes too much time, memory or depth
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

export type AnyRequest = AnalysisRequest | ServiceRequest;

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
  const analysing = askProcess(FILE, request, heapMib);
  const timeout = AbortSignal.timeout(limit);
  try {
    const answer = await answerOf(analysing.child, {
      onProgress,
      signal: AbortSignal.any([signal, timeout]),
    });
    if (answer === null) throwEnding(analysing, heapMib);
    await analysing.keep();
    return answer;
  } catch (error) {
    await analysing.end();
    signal.throwIfAborted();
    if (timeout.aborted) throw new TooMuchError("analysis_time", took);
    throw error;
  }
}

function throwEnding(analysing: OwnProcess, heapMib: number): never {
  const why = analysing.whyEnded();
  if (why === "memory")
    throw new TooMuchError("analysis_memory", `it took more than ${heapMib} MiB`);
  if (why === "stack") throw new TooMuchError("analysis_depth", TOO_DEEP);
  throw why.error;
}

/** What the compiler or the engine says of it may quote its input. */
const TOO_DEEP = "it is nested too deeply, or too large";

type Waiting = { onProgress: RunOptions["onProgress"]; signal: AbortSignal };

/** Null: it ended without an answer. */
async function answerOf(
  child: OwnProcess["child"],
  { onProgress, signal }: Waiting,
): Promise<Analysis | null> {
  for await (const [received] of on(child, "message", { signal, close: ["close"] })) {
    // What had come by then is handed out before the abort is.
    signal.throwIfAborted();
    const message: AnalysisMessage = received; // analysis-process.ts sends nothing else
    if ("analysis" in message) return message.analysis;
    if ("error" in message) throw errorFrom(message.error);
    onProgress?.(message.progress);
  }
  return null;
}

function errorFrom({ fault, name, message, stack }: AnalysisError): Error {
  const cause = Object.assign(new Error(message), { name, stack });
  if (fault === "machine") return cause;
  if (fault === "too much") {
    return new TooMuchError("analysis_depth", TOO_DEEP, { cause });
  }
  const error = new PermanentError(
    name === "PermanentError"
      ? message
      : `the analysis failed, and would again: ${name}: ${message}`,
  );
  if (stack !== undefined) error.stack = stack;
  return error;
}

import { parentPort, workerData } from "node:worker_threads";
import { PermanentError } from "../outcome.ts";
import type { AnalysisRequest, Progress, ServiceRequest } from "./analysis.ts";
import { analyze } from "./analyze.ts";
import { analyzeService } from "./analyze-service.ts";
import type { ThreadMessage } from "./run-analysis.ts";

/** What run-analysis.ts starts: one analysis, its progress, and its result or error. */
function post(message: ThreadMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  parentPort?.postMessage(message);
}

try {
  // run-analysis.ts is the only one to start this file, with a request as workerData.
  const request: AnalysisRequest | ServiceRequest = workerData;
  const onProgress = (progress: Progress): void => post({ progress });
  const analysis =
    "package" in request ? analyze(request, onProgress) : analyzeService(request, onProgress);
  post({ analysis });
} catch (error) {
  // An error's class does not cross the border of a thread: say which one it is.
  const permanent = error instanceof PermanentError;
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  post({ error: { permanent, message, stack } });
}

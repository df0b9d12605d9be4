import { parentPort, workerData } from "node:worker_threads";
import type { AnalysisProgress, AnalysisRequest, ServiceRequest } from "../facts/analysis.ts";
import { faultOf } from "./analysis-failure.ts";
import { analyzePackage } from "./analyze-package.ts";
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
  const onProgress = (progress: AnalysisProgress): void => post({ progress });
  const analysis =
    "package" in request
      ? analyzePackage(request, onProgress)
      : analyzeService(request, onProgress);
  post({ analysis });
} catch (error) {
  // An error's class does not cross the border of a thread: say what it means.
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  post({ error: { fault: faultOf(error), name, message, stack } });
}

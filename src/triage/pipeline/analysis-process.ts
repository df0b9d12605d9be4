/** What run-analysis.ts asks: one analysis, its progress, and its result or error. */
import type { AnalysisProgress } from "../facts/analysis.ts";
import { answerRequests, tellParent } from "../reading/answer-parent.ts";
import { faultOf } from "./analysis-failure.ts";
import { analyzePackage } from "./analyze-package.ts";
import { analyzeService } from "./analyze-service.ts";
import type { AnalysisMessage, AnyRequest } from "./run-analysis.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- run-analysis.ts alone asks
await answerRequests((request) => tellParent(analyse(request as AnyRequest)));

function onProgress(progress: AnalysisProgress): void {
  tellParent({ progress });
}

function analyse(request: AnyRequest): AnalysisMessage {
  try {
    const analysis =
      "package" in request
        ? analyzePackage(request, onProgress)
        : analyzeService(request, onProgress);
    return { analysis };
  } catch (error) {
    // An error's class does not cross the border of a process: say what it means.
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { error: { fault: faultOf(error), name, message, stack } };
  }
}

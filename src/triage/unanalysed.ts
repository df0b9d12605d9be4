import type { Analysis, AnalysisRequest, ServiceRequest } from "./analysis.ts";
import { finding } from "./finding.ts";
import type { TooMuchError } from "./too-much.ts";

/**
 * What is known where an analysis was given up: nothing, which is told as such. It may break, and
 * whether it is used nobody knows, so that a person is to look.
 */
export function unanalysed(
  request: AnalysisRequest | ServiceRequest,
  { exhausted, message }: TooMuchError,
): Analysis {
  const [subject, before, after] =
    "package" in request
      ? [request.package.name, request.package.from, request.package.to]
      : [request.identity.repo, null, null];
  const change = "package" in request ? null : request.change;
  return {
    hits: [
      {
        finding: finding({
          rule: "triage.not_analysed",
          breaking: "maybe",
          subject,
          before,
          after,
        }),
        usage: "unknown",
        hits: [],
      },
    ],
    diagnostics: [],
    usage: "unknown",
    exposure: null,
    targetSha: request.consumer?.revision ?? "",
    isPayloadOnly: change?.mode === "payload",
    truncated: change?.truncated ?? false,
    degraded: [`${subject} was not analysed: ${message}`],
    capsHit: [...(change?.capsHit ?? []), exhausted].toSorted(),
  };
}

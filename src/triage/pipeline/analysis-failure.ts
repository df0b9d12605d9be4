import { hasCode, PermanentError } from "../../index.ts";
import type { Analysis, AnalysisRequest, ServiceRequest } from "../facts/analysis.ts";
import { finding } from "../facts/finding.ts";

/** Of an analysis what ran out; in the result's `caps_hit`. */
type Exhausted = "analysis_time" | "analysis_memory" | "analysis_depth";

/**
 * The process of an analysis was ended, or gave up, because its input asks for too much. Another
 * attempt with the same input would end the same way.
 */
export class TooMuchError extends Error {
  override readonly name = "TooMuchError";
  readonly exhausted: Exhausted;

  constructor(exhausted: Exhausted, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exhausted = exhausted;
  }
}

/** What an error in the process says of another attempt. */
export type Fault =
  /** The input asks for more than there is. */
  | "too much"
  /** The input is none, or ours is the fault: the same happens again. */
  | "permanent"
  /** The machine's: a full disk, no more open files. It may go better the next time. */
  | "machine";

/**
 * Whose fault an error is. An analysis takes values and gives values, so that what it throws it
 * throws each time, unless the system had a hand in it: its errors have a number.
 */
export function faultOf(error: unknown): Fault {
  if (error instanceof PermanentError) return "permanent";
  if (!(error instanceof Error)) return "permanent";
  if (isOfSystem(error)) return "machine";
  return isExhausted(error) ? "too much" : "permanent";
}

function isOfSystem(error: Error): boolean {
  return (
    "errno" in error ||
    hasCode(error, "ERR_WORKER_INIT_FAILED", "ERR_MEMORY_ALLOCATION_FAILED") ||
    error.message === "Array buffer allocation failed"
  );
}

/**
 * The stack, a text, an array or a map has become too large; or the compiler does not know what to
 * make of the input, of which it says no more than that it does not.
 */
function isExhausted(error: Error): boolean {
  return (
    error instanceof RangeError ||
    hasCode(error, "ERR_STRING_TOO_LONG") ||
    error.message.startsWith("Debug Failure") ||
    /^\s*at .*[\\/]typescript[\\/]lib[\\/]/.test(firstFrame(error))
  );
}

function firstFrame({ stack = "", message }: Error): string {
  const at = stack.indexOf(message) + message.length;
  return (
    stack
      .slice(at)
      .split("\n")
      .find((line) => line.startsWith("    at ")) ?? ""
  );
}

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

import { applies, needsHand, type SyncedFile, type SyncFacts } from "../template/sync-facts.ts";
import {
  action,
  type DecisionAnswer,
  noAction,
  temperedConfidence,
  type Verdict,
} from "./judge.ts";

/** Concerns in which a derivative should not wait for its next round of updates. */
const PRESSING = ["health_checks", "gpu_configuration"];

/** The verdict on a change of a template, with what a person said where it was open. */
export function syncVerdict(facts: SyncFacts, answer: DecisionAnswer | null): Verdict {
  const row = rowFor(facts);
  if (row.grey && answer !== null) {
    return answer === "yes" ? { ...row, confidence: 0.9, grey: false } : noAction(0.9);
  }
  return { ...row, confidence: temperedConfidence(row.confidence, facts) };
}

function rowFor({ files, capsHit }: SyncFacts): Verdict {
  const open = files.filter((file) => applies(file) || needsHand(file));
  if (open.length === 0) {
    // What nobody has looked at may ask for something.
    const isSeen = !capsHit.includes("files");
    return isSeen ? settledRow(files) : { ...action("medium", 0.45), grey: true };
  }
  const security = open.filter(({ intent }) => intent === "security");
  if (security.length > 0) return securityRow(security);
  const applicable = open.filter(applies);
  if (applicable.length === 0) {
    const isKnown = open.every(({ disposition }) => disposition !== "unknown");
    return { ...action("medium", isKnown ? 0.5 : 0.45), grey: true };
  }
  if (applicable.some(({ intent }) => intent === "fix")) return action("high", 0.85);
  const isPressing = applicable.some(({ shared }) => shared.some((one) => PRESSING.includes(one)));
  return action(isPressing ? "high" : "medium", 0.75);
}

/** A repair of a hole that nobody can hold against the derivative is no certain one. */
function securityRow(files: readonly SyncedFile[]): Verdict {
  if (files.every(({ disposition }) => disposition === "unknown")) {
    return { ...action("high", 0.5), grey: true };
  }
  return action("critical", files.some(needsHand) ? 0.75 : 0.9);
}

/** Nothing is left to be taken over. */
function settledRow(files: readonly SyncedFile[]): Verdict {
  const known = (disposition: SyncedFile["disposition"]) =>
    files.length > 0 && files.every((file) => file.disposition === disposition);
  if (known("already_present")) return noAction(0.97);
  // That the derivative has no such file can also mean that it lies where nobody looked.
  if (files.some(({ disposition }) => disposition === "missing")) return noAction(0.8);
  return noAction(0.9);
}

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { check } from "recheck";
import type { Pattern } from "./patterns-in.ts";

/** Milliseconds for one pattern; what takes longer is not proven. */
const TIMEOUT_MS = 30_000;
const WAYS_MAX = 2_000;
/** Part of the key: another version may judge otherwise. */
const JUDGE = "recheck 4.5.0, 1";

/**
 * What is wrong with patterns, by `/source/flags`; absent for one that is proven linear. Those
 * that were proven before are remembered in a file, as long as the judge is the same.
 */
export async function judge(
  patterns: readonly Pattern[],
  memory: string,
): Promise<ReadonlyMap<string, string>> {
  const proven = provenBefore(memory);
  const complaints = new Map<string, string>();
  for (const { source, flags } of patterns) {
    const key = `/${source}/${flags}`;
    if (proven.has(key) || complaints.has(key)) continue;
    const complaint = await complaintOn(source, flags);
    if (complaint === null) proven.add(key);
    else complaints.set(key, complaint);
  }
  mkdirSync(path.dirname(memory), { recursive: true });
  writeFileSync(memory, JSON.stringify({ judge: JUDGE, proven: [...proven] }));
  return complaints;
}

/** A search by examples alone, as it is made for what looks around or back, proves nothing. */
async function complaintOn(source: string, flags: string): Promise<string | null> {
  if (isShort(source)) return null;
  const found = await check(source, flags, { timeout: TIMEOUT_MS });
  if (found.status === "safe") {
    return found.checker === "automaton" ? null : `/${source}/${flags} is not proven linear`;
  }
  if (found.status === "unknown") return `/${source}/${flags}: ${found.error.kind}`;
  return `/${source}/${flags} is ${found.complexity.summary}: ${found.attack.pattern}`;
}

/**
 * Whether a pattern is bounded by itself: no part of it is repeated without an end, no group more
 * than once, and it can be tried in so few ways at one place that their number is a constant.
 */
function isShort(source: string): boolean {
  const bare = source.replaceAll(/\\(?:[pP]\{\w+\}|.)/g, "e").replaceAll(/\[[^\]]*\]/g, "c");
  if (/[*+]|\{\d+,\}|\)\{|\(\?<?[!=]/.test(bare)) return false;
  const counts = [...bare.matchAll(/\{\d+,(\d+)\}/g)].map(([, most]) => Number(most));
  return counts.reduce((ways, most) => ways * most, 1) <= WAYS_MAX;
}

function provenBefore(memory: string): Set<string> {
  try {
    const read: unknown = JSON.parse(readFileSync(memory, "utf8"));
    if (typeof read !== "object" || read === null) return new Set();
    if (!("judge" in read) || read.judge !== JUDGE || !("proven" in read)) return new Set();
    return new Set(Array.isArray(read.proven) ? read.proven.map(String) : []);
  } catch {
    return new Set(); // none yet
  }
}

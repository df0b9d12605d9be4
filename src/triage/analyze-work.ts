import { PermanentError } from "../outcome.ts";
import type { Analysis } from "./analysis.ts";
import { sortedSet } from "./bounded-facts.ts";
import { combineAnalyses } from "./combine-analyses.ts";
import { LIMITS } from "./limits.ts";
import { asSeenFromOutside, withoutFolders } from "./package/seen-from-outside.ts";
import type { Work } from "./prepare/prepared.ts";
import { type RunOptions, runAnalysis } from "./run-analysis.ts";

/**
 * Analyse all that a triage is about, each part in a thread of its own, within the time that one
 * task has for all. Rejects as runAnalysis does; but a package that cannot be compared beside a
 * service that can is told in `degraded`.
 */
export async function analyzeWork(work: Work, given: RunOptions): Promise<Analysis> {
  const options = { until: performance.now() + LIMITS.taskAnalysesMs, ...given };
  const parts = [
    ...(work.service === null ? [] : [work.service]),
    ...work.packages.map(({ request }) => request),
  ];
  const analyses: Analysis[] = [];
  const degraded: string[] = [];
  const progressOf = (index: number): RunOptions["onProgress"] => {
    return ({ percent, step }) =>
      options.onProgress?.({
        percent: Math.floor((index * 100 + percent) / parts.length),
        step,
      });
  };
  if (work.service !== null) {
    analyses.push(await runAnalysis(work.service, { ...options, onProgress: progressOf(0) }));
  }
  for (const part of work.packages) {
    const onProgress = progressOf(analyses.length + degraded.length);
    try {
      const analysis = await runAnalysis(part.request, { ...options, onProgress });
      analyses.push(asSeenFromOutside(part, analysis));
    } catch (err) {
      if (work.service === null || !(err instanceof PermanentError)) throw err;
      const why = withoutFolders(part.request, err.message);
      degraded.push(`${part.request.package.name} was not compared: ${why}`);
    }
  }
  const combined = combineAnalyses(analyses);
  return {
    ...combined,
    degraded: sortedSet([...combined.degraded, ...work.degraded, ...degraded]),
    capsHit: sortedSet([...combined.capsHit, ...work.capsHit]),
  };
}

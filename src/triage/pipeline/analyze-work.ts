import { PermanentError } from "../../index.ts";
import { type Analysis, boundedFacts, type Exposure, sortedSet } from "../facts/analysis.ts";
import type { Hit, Usage } from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";
import { withoutFolders, withRepositoryPaths } from "./package-part.ts";
import type { Work } from "./prepared.ts";
import { type RunOptions, runAnalysis } from "./run-analysis.ts";

/**
 * Analyse all that a triage is about, each part in a process of its own, within the time that one
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
      analyses.push(withRepositoryPaths(part, analysis));
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

/**
 * Several analyses of one change for one consumer, told as one: of a service and of the
 * packages that its repository publishes. Facts add up, and the surest use counts. Expects
 * one at least; exposure is that of the package that comes with the next install, if one does.
 */
export function combineAnalyses(analyses: readonly Analysis[]): Analysis {
  const [first] = analyses;
  if (first === undefined) throw new RangeError("expected an analysis, got none");
  const all = <Fact>(of: (analysis: Analysis) => readonly Fact[]): Fact[] => analyses.flatMap(of);
  return {
    ...boundedFacts({
      hits: withOwnIds(all(({ hits }) => hits)),
      diagnostics: all(({ diagnostics }) => diagnostics),
      capsHit: all(({ capsHit }) => capsHit),
    }),
    usage: surest(analyses.map(({ usage }) => usage)),
    exposure: nearest(analyses.flatMap(({ exposure }) => exposure ?? [])),
    targetSha: first.targetSha,
    isPayloadOnly: analyses.some(({ isPayloadOnly }) => isPayloadOnly),
    truncated: analyses.some(({ truncated }) => truncated),
    degraded: sortedSet(all(({ degraded }) => degraded)),
  };
}

/** A verdict is less urgent where the range keeps the change out: all of them have to. */
function nearest(exposures: readonly Exposure[]): Exposure | null {
  return exposures.find(({ satisfies }) => satisfies !== false) ?? exposures[0] ?? null;
}

const BY_SURENESS: readonly Usage[] = ["confirmed", "likely", "unknown", "none"];

function surest(usages: readonly Usage[]): Usage {
  return BY_SURENESS.find((usage) => usages.includes(usage)) ?? "unknown";
}

/** Two packages may change an export of the same name. */
function withOwnIds(hits: readonly Hit[]): Hit[] {
  const seen = new Map<string, number>();
  return hits.map((hit) => {
    const { id } = hit.finding;
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? hit : { ...hit, finding: { ...hit.finding, id: `${id}#${count}` } };
  });
}

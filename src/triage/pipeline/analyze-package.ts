import { realpathSync } from "node:fs";
import { analysisFence } from "../compiler/analysis-fence.ts";
import type { Sources } from "../compiler/compiler-host.ts";
import { readConsumerTree } from "../consumer/consumer-files.ts";
import { dependenciesIn, exposureOf } from "../consumer/exposure.ts";
import { type ImportUse, importsOf } from "../consumer/imports.ts";
import { moduleLoads } from "../consumer/module-loads.ts";
import { evidenceOf, matchUsage, overallUsage } from "../consumer/package-usage.ts";
import { probeConsumer } from "../consumer/probe.ts";
import {
  type Analysis,
  type AnalysisProgress,
  type AnalysisRequest,
  boundedFacts,
  sortedSet,
} from "../facts/analysis.ts";
import type { ModuleLoad } from "../facts/module-load.ts";
import { locatePackages, type PackagePair } from "../sources/npm/installed.ts";
import { readPackageTree } from "../sources/npm/manifest.ts";
import { defaultFindings } from "../surface/defaults/default-findings.ts";
import { loadingFindings, mergeLoading } from "../surface/loading/loading-findings.ts";
import { runsOtherCode } from "../surface/loading/runtime-code.ts";
import {
  entryFindings,
  nodeRange,
  requirementFindings,
  versionFindings,
} from "../surface/manifest-findings.ts";
import { surfaceFindings } from "../surface/surface-findings.ts";
import { provenHits } from "../verdict/proof.ts";

/**
 * Compare two versions of a package and find where a consumer meets the differences.
 * Blocks for seconds: run it by run-analysis.ts. Throws a PermanentError for a tree that
 * is missing or has no readable package.json.
 */
export function analyzePackage(
  request: AnalysisRequest,
  onProgress: (at: AnalysisProgress) => void,
): Analysis {
  onProgress({ percent: 5, step: "reading packages and consumer" });
  const { name, to } = request.package;
  const consumer = readPackageTree(request.consumer.path);
  const root = realpathSync(request.consumer.path);
  const pair = locatePackages(request);
  const tree = readConsumerTree(root);
  const dependencies = dependenciesIn(tree, name, consumer.manifest);
  const names = [...new Set([name, ...dependencies.map(({ key }) => key)])];
  const imports = tree.sources.flatMap((file) => importsOf(file, names));

  onProgress({ percent: 20, step: "comparing the two versions" });
  const sources: Sources = { fence: analysisFence(request, root, pair), parsed: new Map() };
  const subpaths = [...new Set([".", ...imports.map(({ subpath }) => subpath)])].toSorted();
  const surface = surfaceFindings(pair, subpaths, { sources, depth: request.depth });
  const defaults = defaultFindings(pair, subpaths, surface.declared);

  onProgress({ percent: 60, step: "compiling the consumer against both" });
  const probe = probeConsumer({ pair, tree, names, imports, sources });
  const running = { names, manifests: tree.manifests, options: probe.options };
  const loads = tree.sources.flatMap((file) => moduleLoads(file, running));
  const said = mergeLoading(
    [...entryFindings(pair, subpaths), ...requirementFindings(pair, consumer), ...surface.found],
    loadingFindings(pair, { loads, node: nodeRange(consumer) }),
  );
  const compared = request.depth === "types" && surface.degraded.length === 0;
  // A default that changed is no reason for a major: what else it changed stays unknown.
  const step = { found: said, compared, runsOtherCode: isOtherCodeRun(pair, imports, loads) };
  const found = [...versionFindings(pair, step), ...said, ...defaults.found];
  const { interfaceFiles } = request.consumer;
  const evidence = evidenceOf({
    tree,
    names,
    interfaceFiles,
    imports,
    probe,
    typed: surface.typed,
  });
  const matched = found.map((one) => matchUsage(one, evidence));
  return {
    ...boundedFacts({
      hits: provenHits({
        hits: matched,
        errors: probe.diagnostics.map((diagnostic) => ({ diagnostic, importedAt: null })),
      }),
      diagnostics: probe.diagnostics,
      capsHit: [
        ...tree.capsHit,
        ...probe.capsHit,
        ...defaults.capsHit,
        ...(request.depth === "names" ? ["surface_types"] : []),
      ],
    }),
    usage: overallUsage(evidence),
    exposure: exposureOf(root, dependencies, to),
    targetSha: request.consumer.revision ?? tree.sha,
    isPayloadOnly: false,
    truncated: false,
    degraded: sortedSet([...surface.degraded, ...probe.degraded]),
  };
}

/**
 * Who imports types alone runs nothing of the package; of who does not import it, nobody knows.
 */
function isOtherCodeRun(
  pair: PackagePair,
  imports: readonly ImportUse[],
  loads: readonly ModuleLoad[],
): boolean {
  if (loads.length > 0) return runsOtherCode(pair, loads);
  return imports.length === 0;
}

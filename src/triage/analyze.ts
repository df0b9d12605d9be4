import { realpathSync } from "node:fs";
import type { Analysis, AnalysisRequest, Progress } from "./analysis.ts";
import { boundedFacts, sortedSet } from "./bounded-facts.ts";
import { analysisFence } from "./compiler/analysis-fence.ts";
import type { Sources } from "./compiler/compiler-host.ts";
import { evidenceOf } from "./consumer/evidence.ts";
import { exposureOf } from "./consumer/exposure.ts";
import { importsOf } from "./consumer/imports.ts";
import { dependenciesIn } from "./consumer/manifests.ts";
import { probeConsumer } from "./consumer/probe.ts";
import { readConsumerTree } from "./consumer/source-files.ts";
import { defaultFindings } from "./defaults/default-findings.ts";
import { entryFindings } from "./package/entry-findings.ts";
import { locatePackages } from "./package/locate.ts";
import { readPackageTree } from "./package/manifest.ts";
import { requirementFindings } from "./package/requirement-findings.ts";
import { versionFindings } from "./package/version-findings.ts";
import { surfaceFindings } from "./surface/surface-findings.ts";
import { matchUsage, overallUsage } from "./verdict/match-usage.ts";
import { withUnexplained } from "./verdict/unexplained.ts";

/**
 * Compare two versions of a package and find where a consumer meets the differences.
 * Blocks for seconds: run it by run-analysis.ts. Throws a PermanentError for a tree that
 * is missing or has no readable package.json.
 */
export function analyze(request: AnalysisRequest, onProgress: (at: Progress) => void): Analysis {
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
  const said = [
    ...entryFindings(pair, subpaths),
    ...requirementFindings(pair, consumer),
    ...surface.found,
  ];
  const defaults = defaultFindings(pair, subpaths, surface.declared);
  const compared = request.depth === "types" && surface.degraded.length === 0;
  // A default that changed is no reason for a major: what else it changed stays unknown.
  const found = [...versionFindings(pair, { found: said, compared }), ...said, ...defaults.found];

  onProgress({ percent: 60, step: "compiling the consumer against both" });
  const probe = probeConsumer({ pair, tree, names, imports, sources });
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
      hits: withUnexplained(matched, probe.diagnostics, name),
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

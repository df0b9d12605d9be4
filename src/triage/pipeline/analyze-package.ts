import { realpathSync } from "node:fs";
import { analysisFence } from "../compiler/analysis-fence.ts";
import type { Sources } from "../compiler/compiler-host.ts";
import { readConsumerTree } from "../consumer/consumer-files.ts";
import { dependenciesIn, exposureOf } from "../consumer/exposure.ts";
import { importsOf } from "../consumer/imports.ts";
import { evidenceOf, matchUsage, overallUsage } from "../consumer/package-usage.ts";
import { probeConsumer } from "../consumer/probe.ts";
import {
  type Analysis,
  type AnalysisProgress,
  type AnalysisRequest,
  boundedFacts,
  sortedSet,
} from "../facts/analysis.ts";
import { type Diagnostic, finding, type Hit } from "../facts/finding.ts";
import { locatePackages } from "../sources/npm/installed.ts";
import { readPackageTree } from "../sources/npm/manifest.ts";
import { defaultFindings } from "../surface/defaults/default-findings.ts";
import {
  entryFindings,
  requirementFindings,
  versionFindings,
} from "../surface/manifest-findings.ts";
import { surfaceFindings } from "../surface/surface-findings.ts";

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

/**
 * The hits, and one more finding if the compiler has errors that no breaking finding
 * accounts for: an error of the compiler is proof, whether or not the comparison of the
 * surfaces saw its cause.
 */
function withUnexplained(
  hits: readonly Hit[],
  diagnostics: readonly Diagnostic[],
  packageName: string,
): Hit[] {
  const explained = new Set(
    hits
      .filter((hit) => hit.finding.breaking === "yes" && hit.usage === "confirmed")
      .flatMap((hit) => hit.hits.map(({ path }) => path)),
  );
  const open = diagnostics.filter(({ path }) => !explained.has(path));
  const first = open[0];
  if (first === undefined) return [...hits];
  return [
    ...hits,
    {
      finding: finding({
        rule: "ts.signature",
        subject: packageName,
        breaking: "yes",
        after: `${first.code}: ${first.message}`,
      }),
      usage: "confirmed",
      hits: open.map(({ path, line }) => ({ path, line })),
    },
  ];
}

import { realpathSync } from "node:fs";
import { type Sources, sourcesOf } from "../compiler/compiler-host.ts";
import { type ConsumerTree, readConsumerTree } from "../consumer/consumer-files.ts";
import { type Dependency, dependenciesIn, exposureOf } from "../consumer/exposure.ts";
import { type ImportUse, importsOf } from "../consumer/imports.ts";
import type { NewError } from "../consumer/new-errors.ts";
import { evidenceOf, matchUsage, overallUsage } from "../consumer/package-usage.ts";
import { probeConsumer } from "../consumer/probe.ts";
import { type Specifiers, specifiersOf } from "../consumer/specifiers.ts";
import { lineKey } from "../consumer/symbol-uses.ts";
import { settingUses } from "../consumer/tool-usage.ts";
import {
  type Analysis,
  type AnalysisProgress,
  type AnalysisRequest,
  boundedFacts,
  sortedSet,
} from "../facts/analysis.ts";
import { COMPILER_ERROR, type Found, finding, type Hit } from "../facts/finding.ts";
import { locatePackages, type PackagePair } from "../sources/npm/installed.ts";
import { commandsOf, type PackageTree, readPackageTree } from "../sources/npm/manifest.ts";
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
  const parts = readParts(request);
  const { root, pair, tree, dependencies, imports, specifiers, sources } = parts;

  onProgress({ percent: 20, step: "comparing the two versions" });
  const compared = compareVersions(request, parts);

  onProgress({ percent: 60, step: "compiling the consumer against both" });
  const probe = probeConsumer({ pair, tree, specifiers, imports, sources });
  const evidence = evidenceOf({
    tree,
    names: specifiers.names,
    commands: [pair.from, pair.to].flatMap(commandsOf),
    isDeclared: dependencies.length > 0,
    interfaceFiles: request.consumer.interfaceFiles,
    imports,
    probe,
    typed: compared.typed,
  });
  const matched = compared.found.map((one) => matchUsage(one, evidence));
  return {
    ...boundedFacts({
      hits: withUnexplained(matched, probe.errors),
      diagnostics: probe.errors.map(({ diagnostic }) => diagnostic),
      capsHit: [
        ...tree.capsHit,
        ...probe.capsHit,
        ...compared.capsHit,
        ...(request.depth === "names" ? ["surface_types"] : []),
      ],
    }),
    usage: overallUsage(evidence),
    exposure: exposureOf(root, dependencies, request.package.to),
    targetSha: request.consumer.revision ?? tree.sha,
    isPayloadOnly: false,
    truncated: false,
    degraded: sortedSet([...compared.degraded, ...probe.degraded]),
  };
}

/** What an analysis is about, read. */
type Parts = {
  readonly root: string;
  readonly consumer: PackageTree;
  readonly pair: PackagePair;
  readonly tree: ConsumerTree;
  readonly dependencies: readonly Dependency[];
  readonly specifiers: Specifiers;
  readonly imports: readonly ImportUse[];
  readonly sources: Sources;
};

function readParts(request: AnalysisRequest): Parts {
  const { name } = request.package;
  const consumer = readPackageTree(request.consumer.path);
  const root = realpathSync(request.consumer.path);
  const pair = locatePackages(request);
  const tree = readConsumerTree(root);
  const dependencies = dependenciesIn(tree, name, consumer.manifest);
  const listed = dependencies.map(({ key }) => key);
  const specifiers = specifiersOf(name, listed, tree);
  const imports = [
    ...tree.sources.flatMap((file) => importsOf(file, specifiers)),
    ...settingUses(tree, specifiers, name),
  ];
  const sources = sourcesOf(request, root, pair);
  return { root, consumer, pair, tree, dependencies, specifiers, imports, sources };
}

type Compared = {
  readonly found: readonly Found[];
  readonly typed: boolean;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

/** What the new version changed, for anybody and for what this consumer imports. */
function compareVersions(
  { depth }: AnalysisRequest,
  { consumer, pair, imports, sources }: Parts,
): Compared {
  const subpaths = [...new Set([".", ...imports.map(({ subpath }) => subpath)])].toSorted();
  const surface = surfaceFindings(pair, subpaths, { sources, depth });
  const changes = [
    ...entryFindings(pair, subpaths),
    ...requirementFindings(pair, consumer),
    ...surface.found,
  ];
  const defaults = defaultFindings(pair, subpaths, surface.declared);
  // What a tool does with its settings shows in no type.
  const isTool = imports.some(({ loadedBy }) => loadedBy === "setting");
  const compared = depth === "types" && surface.degraded.length === 0 && !isTool;
  return {
    // A default that changed is no reason for a major: what else it changed stays unknown.
    found: [...versionFindings(pair, { found: changes, compared }), ...changes, ...defaults.found],
    typed: surface.typed,
    degraded: surface.degraded,
    capsHit: defaults.capsHit,
  };
}

/**
 * The hits, and a finding for each thing that the compiler objects to at a place that no breaking
 * finding accounts for: an error of the compiler is proof, whether or not the comparison of the
 * surfaces saw its cause.
 */
function withUnexplained(hits: readonly Hit[], errors: readonly NewError[]): Hit[] {
  const explained = new Set(
    hits
      .filter((hit) => hit.finding.breaking === "yes" && hit.usage === "confirmed")
      .flatMap((hit) => hit.hits.map(lineKey)),
  );
  const open = errors
    .filter(({ diagnostic, importedAt }) =>
      [diagnostic, importedAt ?? diagnostic].every((place) => !explained.has(lineKey(place))),
    )
    .map(({ diagnostic }) => diagnostic);
  const bySubject = Map.groupBy(open, ({ subject, code }) => subject ?? code);
  const found = [...bySubject].flatMap(([subject, [first, ...others]]): Hit[] =>
    first === undefined
      ? []
      : [
          {
            finding: finding({
              rule: COMPILER_ERROR,
              subject,
              breaking: "yes",
              after: `${first.code}: ${first.message}`,
            }),
            usage: "confirmed",
            hits: [first, ...others].map(({ path, line }) => ({ path, line })),
          },
        ],
  );
  return [...found, ...hits];
}

import { realpathSync } from "node:fs";
import { type Sources, sourcesOf } from "../compiler/compiler-host.ts";
import { bareCalls } from "../consumer/bare-calls.ts";
import { type ConsumerTree, readConsumerTree } from "../consumer/consumer-files.ts";
import { type Dependency, dependenciesIn, exposureOf, isPinned } from "../consumer/exposure.ts";
import { type ImportUse, importsOf } from "../consumer/imports.ts";
import { moduleLoads } from "../consumer/module-loads.ts";
import { ownRanges } from "../consumer/own-ranges.ts";
import { evidenceOf, matchUsage, overallUsage } from "../consumer/package-usage.ts";
import { packageUses } from "../consumer/package-uses.ts";
import { type ConsumerProbe, probeConsumer } from "../consumer/probe.ts";
import { type Specifiers, specifiersOf, typedPackage } from "../consumer/specifiers.ts";
import { settingUses } from "../consumer/tool-usage.ts";
import {
  type Analysis,
  type AnalysisProgress,
  type AnalysisRequest,
  boundedFacts,
  sortedSet,
} from "../facts/analysis.ts";
import { type Found, lineKey, type NewError } from "../facts/finding.ts";
import type { ModuleLoad } from "../facts/module-load.ts";
import type { OwnRanges } from "../facts/own-ranges.ts";
import { locatePackages, type PackagePair } from "../sources/npm/installed.ts";
import { commandsOf, readPackageTree, subpathsLike } from "../sources/npm/manifest.ts";
import { defaultFindings } from "../surface/defaults/default-findings.ts";
import { loadingFindings, mergeLoading } from "../surface/loading/loading-findings.ts";
import { runsOtherCode } from "../surface/loading/runtime-code.ts";
import { entryFindings, nodeRange, requirementFindings } from "../surface/manifest-findings.ts";
import { usedChanges } from "../surface/step/used-changes.ts";
import { versionFindings } from "../surface/step/version-findings.ts";
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
  const parts = readParts(request);
  const { root, pair, tree, dependencies, imports, specifiers, sources } = parts;

  onProgress({ percent: 20, step: "compiling the consumer against both" });
  const probe = probeConsumer({ pair, tree, specifiers, imports, sources });

  // Both programs are of no use any more, and the next one is as large.
  globalThis.gc?.();
  onProgress({ percent: 60, step: "comparing the two versions" });
  const compared = compareVersions(request, parts, probe);
  const errors = countedErrors(probe, compared.surface);
  // No program is made after that, and what reads the code behind the types takes as much.
  sources.parsed.clear();
  const evidence = evidenceOf({
    tree,
    names: specifiers.names,
    commands: [pair.from, pair.to].flatMap(commandsOf),
    isDeclared: dependencies.length > 0 || isPinned(tree, pair.from.manifest.name),
    interfaceFiles: request.consumer.interfaceFiles,
    isCodeLeftOut: request.consumer.isCodeLeftOut ?? false,
    imports,
    probe,
    typed: compared.surface.typed,
  });
  const found = changesFor(parts, compared, probe);
  const hits = found.map((one) => matchUsage(one, evidence));
  return {
    ...boundedFacts({
      hits: provenHits({ hits, errors }),
      diagnostics: errors.map(({ diagnostic }) => diagnostic),
      capsHit: [
        ...tree.capsHit,
        ...probe.capsHit,
        ...compared.surface.capsHit,
        ...compared.defaults.capsHit,
        ...(request.depth === "names" ? ["surface_types"] : []),
      ],
    }),
    usage: overallUsage(evidence),
    exposure: exposureOf(root, dependencies, request.package.to),
    targetSha: request.consumer.revision ?? tree.sha,
    isPayloadOnly: false,
    truncated: false,
    degraded: sortedSet([...compared.surface.degraded, ...probe.degraded]),
  };
}

/**
 * Nothing was an error while nothing was declared, and what first declarations want of JavaScript,
 * which its own people do not compile, the code may well take: of these errors only those count
 * that code without types fails by. What the module as a whole is, its code says.
 */
function countedErrors(
  { errors, optionsOf }: ConsumerProbe,
  { isFirstTyped }: Compared["surface"],
): readonly NewError[] {
  if (!isFirstTyped) return errors;
  return errors.filter(({ isOfCode, diagnostic: { path } }) => {
    const isCompiled = optionsOf(path)["configFilePath"] !== undefined;
    return isOfCode || isCompiled || !/\.[cm]?jsx?$/.test(path);
  });
}

/** What an analysis is about, read. */
type Parts = {
  readonly root: string;
  readonly own: OwnRanges;
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
  const named = [
    ...tree.sources.flatMap((file) => importsOf(file, specifiers)),
    ...settingUses(tree, specifiers, name),
  ];
  const imports = named.flatMap((use) =>
    subpathsLike(pair.from, use.subpath).map((subpath) => ({ ...use, subpath })),
  );
  const sources = sourcesOf(request, root, pair);
  const users = imports.map(({ path }) => path);
  const own = ownRanges(tree, { root: consumer, name, users });
  return { root, own, pair, tree, dependencies, specifiers, imports, sources };
}

type Compared = {
  readonly subpaths: readonly string[];
  /** Without the declarations, which hold all that was parsed. */
  readonly surface: Omit<ReturnType<typeof surfaceFindings>, "declared">;
  readonly defaults: ReturnType<typeof defaultFindings>;
  /** Whether what is told of the surfaces is all that there is to tell. */
  readonly isComplete: boolean;
};

/** What the two versions declare, and the values that they set, for anybody. */
function compareVersions(
  { depth }: AnalysisRequest,
  { pair, imports, sources }: Parts,
  { symbols }: ConsumerProbe,
): Compared {
  const subpaths = [...new Set([".", ...imports.map(({ subpath }) => subpath)])].toSorted();
  const isUsed = (declaration: string): boolean => symbols.has(declaration);
  const { declared, ...surface } = surfaceFindings(pair, subpaths, { sources, depth, isUsed });
  // What a tool does with its settings shows in no type.
  const isTool = imports.some(({ loadedBy }) => loadedBy === "setting");
  return {
    subpaths,
    surface,
    defaults: defaultFindings(pair, subpaths, declared),
    isComplete:
      depth === "types" && surface.degraded.length + surface.capsHit.length === 0 && !isTool,
  };
}

/** What the new version changed, for anybody and for how this consumer loads it. */
function changesFor(
  { own, pair, imports, tree, specifiers }: Parts,
  { subpaths, surface, defaults, isComplete }: Compared,
  { optionsOf, silent, errors }: ConsumerProbe,
): Found[] {
  // Who loads `x` does not load `@types/x`, of which nothing runs.
  const isLoaded = typedPackage(pair.from.manifest.name) === null;
  const running = { specifiers, manifests: tree.manifests, optionsOf };
  const loads = isLoaded ? tree.sources.flatMap((file) => moduleLoads(file, running)) : [];
  const node = nodeRange(own);
  const compared = mergeLoading(
    [...entryFindings(pair, subpaths), ...requirementFindings(pair, own), ...surface.found],
    loadingFindings(pair, { loads, node }),
  );
  const changes = [...compared, ...untold(silent, compared, errors)];
  const isFollowed = areFollowed(imports, loads);
  const step = {
    found: changes,
    compared: isComplete,
    runsOtherCode: !isFollowed || (loads.length > 0 && runsOtherCode(pair, loads)),
    used: (isExplained: boolean) => {
      if (!isFollowed) return null;
      const uses = tree.sources.flatMap((file) => packageUses(file, specifiers));
      const calls = (method: string) => tree.sources.flatMap((file) => bareCalls(file, method));
      const using = { loads, uses, node, bareCalls: calls, isTyped: isComplete, isExplained };
      return usedChanges(pair, using);
    },
  };
  // A default that changed is no reason for a major: what else it changed stays unknown.
  return [...versionFindings(pair, step), ...changes, ...defaults.found];
}

/** Those that neither a comparison nor the compiler tells, at the places where it does not. */
function untold(
  silent: readonly Found[],
  compared: readonly Found[],
  errors: readonly NewError[],
): Found[] {
  const told = new Set(compared.map(({ finding: { id } }) => id));
  const broken = new Set(errors.map(({ diagnostic }) => lineKey(diagnostic)));
  return silent.filter(
    ({ finding: { id }, match }) =>
      !told.has(id) &&
      match.by === "places" &&
      match.places.some((place) => !broken.has(lineKey(place))),
  );
}

/**
 * Whether all that loads the package is seen. Of who does not import it, nobody knows what runs,
 * nor of a load that is not followed: by a tool, by `createRequire`, by the path of a file. Who
 * imports types alone runs nothing of it.
 */
function areFollowed(imports: readonly ImportUse[], loads: readonly ModuleLoad[]): boolean {
  const followed = new Set(loads.map(({ path }) => path));
  return (
    imports.length > 0 &&
    imports.every(
      ({ path, loadedBy }) => loadedBy === "import" || loadedBy === "types" || followed.has(path),
    )
  );
}

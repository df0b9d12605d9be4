import { join } from "node:path";
import { dirname } from "node:path/posix";
import type { AnalysisRequest, Tree } from "../facts/analysis.ts";
import type { ChangeSet } from "../facts/change-set.ts";
import { readEach } from "../reading/read-each.ts";
import { extractTree } from "../sources/git/extract-tree.ts";
import type { CommitRange } from "../sources/git/resolve-commit.ts";
import { ENTRY_STUBS } from "../sources/npm/entry-stubs.ts";
import { installedAbove } from "../sources/npm/installed.ts";
import type { Named } from "../sources/npm/package-names.ts";
import { declarationsIn, fetchTypePackages, tsconfigsOf } from "../sources/npm/type-packages.ts";
import type { ConsumerTriagePayload } from "./consumer-payload.ts";
import { dependencyNames, manifestsOfCommit } from "./package-manifests.ts";
import type { PackagePart } from "./package-part.ts";
import { type KeptUntilEnd, keptFolders, type Surroundings, type Work } from "./prepared.ts";

/** Packages of one change that are compiled: each may take minutes. */
const PACKAGES_MAX = 3;

type PackageChange = {
  readonly range: CommitRange;
  readonly change: ChangeSet;
  readonly consumer: Tree;
  readonly payload: ConsumerTriagePayload;
};

type Options = Surroundings & { readonly kept: KeptUntilEnd };

/**
 * The npm packages that a change touches and the consumer depends on, each in both versions.
 * What is built and not committed is stood in for by its sources.
 */
export async function changedPackages(
  given: PackageChange,
  options: Options,
): Promise<Pick<Work, "packages" | "degraded" | "capsHit">> {
  const { pairs, sides, degraded } = await packagesInUse(given, options.signal);
  if (pairs.length === 0) return { packages: [], degraded, capsHit: [] };
  const { range, consumer } = given;
  const { signal, repositories, kept } = options;
  const extract = async (commit: string) =>
    kept.keep(await extractTree(range.mirror, commit, repositories, { signal }));
  const trees = { before: await extract(range.base), after: await extract(range.head) };
  const compared = pairs.slice(0, PACKAGES_MAX);
  const parts = compared.map((pair) => partOf(pair, trees, given, options));
  const requests = parts.map(({ request }) => request);
  const types = kept.keep(
    await fetchTypePackages(
      [
        ...requests.flatMap(({ package: { fromPath, toPath } }) => [
          declarationsIn(fromPath, neighbours(trees.before, sides.before)),
          declarationsIn(toPath, neighbours(trees.after, sides.after)),
        ]),
        tsconfigsOf(consumer, given.payload.relationship_config.path !== undefined),
      ],
      repositories,
      options,
    ),
  );
  const stubs = await Promise.all(
    compared.map((pair, index) => addStubs(pair, requests[index], signal)),
  );
  return {
    packages: parts.map((part) => ({
      ...part,
      request: { ...part.request, dependencies: types.links },
    })),
    degraded: [...degraded, ...stubs.flat(), ...types.degraded],
    capsHit: [
      ...(pairs.length > PACKAGES_MAX ? ["packages"] : []),
      ...trees.before.capsHit,
      ...trees.after.capsHit,
    ],
  };
}

type Sides = { readonly before: Manifests; readonly after: Manifests };
type Trees = { readonly before: Tree; readonly after: Tree };

type InUse = {
  readonly pairs: readonly Pair[];
  readonly sides: Sides;
  readonly degraded: readonly string[];
};

/** The packages of a change that the consumer lists, and what could not be read on the way. */
async function packagesInUse(
  { range, change, consumer, payload }: PackageChange,
  signal: AbortSignal,
): Promise<InUse> {
  const { names, isReadable, degraded: leftOut } = await dependencyNames(consumer.path, signal);
  const unread = [...(isReadable ? [] : [UNREAD]), ...leftOut];
  const nothing = { before: new Map<string, Named>(), after: new Map<string, Named>() };
  if (names.size === 0) return { pairs: [], sides: nothing, degraded: unread };
  const before = await manifestsOfCommit(range.mirror, range.base, signal);
  const after = await manifestsOfCommit(range.mirror, range.head, signal);
  const sides = { before: before.byFolder, after: after.byFolder };
  const { pairs, gone } = dependedOn(change, sides, names);
  return {
    pairs,
    sides,
    degraded: [
      ...gone.map((name) => `${name}: not in ${payload.source_repo} any more`),
      ...before.degraded,
      ...after.degraded,
      ...(pairs.length === 0 ? unread : []),
    ],
  };
}

/** Packages of one repository find each other as if they were installed. */
function neighbours(tree: Tree, manifests: Manifests): Record<string, string> {
  return Object.fromEntries(
    [...manifests].map(([folder, { name }]) => [name, join(tree.path, folder)]),
  );
}

/** What of a package's build is not committed is made to lead to its sources. */
async function addStubs(
  { after: { name } }: Pair,
  request: AnalysisRequest | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const { fromPath, toPath } = request?.package ?? { fromPath: null, toPath: null };
  const items = [fromPath, toPath].filter((path) => path !== null);
  const read = await readEach(ENTRY_STUBS, { shared: undefined, items }, { signal });
  const missing = read.flatMap((one) => ("value" in one ? one.value : []));
  return [
    ...(missing.length > 0 ? [withoutSources(name, missing)] : []),
    ...read.flatMap((one) => ("leftOut" in one ? [`${name}: its sources: ${one.leftOut}`] : [])),
  ];
}

const UNREAD = "the consumer's package.json does not parse: its packages were not compared";

type Manifests = ReadonlyMap<string, Named>;
type Side = Named & { readonly folder: string };
type Pair = { readonly before: Side; readonly after: Side };

/** Of the packages with a changed file those that are among some names; and those that went. */
function dependedOn(
  { files }: ChangeSet,
  { before, after }: { readonly before: Manifests; readonly after: Manifests },
  names: ReadonlySet<string>,
): { readonly pairs: readonly Pair[]; readonly gone: readonly string[] } {
  const folders = new Set<string>();
  for (const { path, oldPath } of files) {
    const found = [nearest(path, after), nearest(oldPath ?? path, before)];
    for (const folder of found) if (folder !== null) folders.add(folder);
  }
  const pairs: Pair[] = [];
  const gone: string[] = [];
  for (const folder of [...folders].toSorted()) {
    const old = before.get(folder);
    if (old === undefined || !names.has(old.name)) continue;
    const next = sameNamed(old.name, folder, after);
    if (next === null) gone.push(old.name);
    else pairs.push({ before: { ...old, folder }, after: next });
  }
  return { pairs, gone };
}

/** The package of this name, where it was before or where it has moved to. */
function sameNamed(name: string, folder: string, manifests: Manifests): Side | null {
  const there = manifests.get(folder);
  if (there?.name === name) return { ...there, folder };
  const [moved] = [...manifests].filter(([, found]) => found.name === name);
  return moved === undefined ? null : { ...moved[1], folder: moved[0] };
}

/** The folder of the package that a file belongs to; null if it is in none. */
function nearest(path: string, manifests: Manifests): string | null {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const key = folder === "." ? "" : folder;
    if (manifests.has(key)) return key;
    if (key === "") return null;
  }
}

function partOf(
  { before, after }: Pair,
  trees: Trees,
  { range, consumer, payload }: PackageChange,
  { workingDirectory }: Options,
): PackagePart & { readonly request: { readonly package: GivenFolders } } {
  return {
    request: {
      package: {
        name: after.name,
        from: before.version,
        to: after.version,
        fromPath: join(trees.before.path, before.folder),
        toPath: join(trees.after.path, after.folder),
      },
      consumer: {
        path: consumer.path,
        revision: consumer.revision,
        interfaceFiles: payload.relationship_config.interface_files,
        isCodeLeftOut: consumer.isCodeLeftOut ?? false,
      },
      alsoReadable: [
        // A package may be made of files of its neighbours.
        trees.before.path,
        trees.after.path,
        ...keptFolders(payload, workingDirectory).flatMap(installedAbove),
      ],
      searchFrom: [],
      depth: "types",
    },
    origin: { folder: after.folder, commit: range.head },
  };
}

type GivenFolders = { readonly fromPath: string; readonly toPath: string };

function withoutSources(name: string, missing: readonly string[]): string {
  return `${name}: ${[...new Set(missing)].toSorted().join(", ")} not committed, nor sources of it`;
}

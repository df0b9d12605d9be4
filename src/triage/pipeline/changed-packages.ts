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
  { range, change, consumer, payload }: PackageChange,
  options: Options,
): Promise<Pick<Work, "packages" | "degraded" | "capsHit">> {
  const { signal, repositories, workingDirectory, kept } = options;
  const { names, isReadable, degraded: leftOut } = await dependencyNames(consumer.path, signal);
  const unread = [...(isReadable ? [] : [UNREAD]), ...leftOut];
  if (names.size === 0) return { packages: [], degraded: unread, capsHit: [] };
  const old = await manifestsOfCommit(range.mirror, range.base, signal);
  const now = await manifestsOfCommit(range.mirror, range.head, signal);
  const sides = { before: old.byFolder, after: now.byFolder };
  const { pairs, gone } = dependedOn(change, sides, names);
  const degraded = [
    ...gone.map((name) => `${name}: not in ${payload.source_repo} any more`),
    ...old.degraded,
    ...now.degraded,
  ];
  if (pairs.length === 0) return { packages: [], degraded: [...degraded, ...unread], capsHit: [] };

  const extract = async (commit: string) =>
    kept.keep(await extractTree(range.mirror, commit, repositories, { signal }));
  const before = await extract(range.base);
  const after = await extract(range.head);
  const alsoReadable = [
    // A package may be made of files of its neighbours.
    before.path,
    after.path,
    ...keptFolders(payload, workingDirectory).flatMap(installedAbove),
  ];
  const packages: PackagePart[] = [];
  for (const pair of pairs.slice(0, PACKAGES_MAX)) {
    const fromPath = join(before.path, pair.before.folder);
    const toPath = join(after.path, pair.after.folder);
    const items = [fromPath, toPath];
    const read = await readEach(ENTRY_STUBS, { shared: undefined, items }, { signal });
    const missing = read.flatMap((one) => ("value" in one ? one.value : []));
    if (missing.length > 0) degraded.push(withoutSources(pair.after.name, missing));
    for (const one of read) {
      if ("leftOut" in one) degraded.push(`${pair.after.name}: its sources: ${one.leftOut}`);
    }
    const request = requestOf(pair, { fromPath, toPath, alsoReadable, consumer, payload });
    packages.push({ request, origin: { folder: pair.after.folder, commit: range.head } });
  }
  const capsHit = pairs.length > PACKAGES_MAX ? ["packages"] : [];
  return { packages, degraded, capsHit: [...capsHit, ...before.capsHit, ...after.capsHit] };
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

type Places = Pick<PackageChange, "consumer" | "payload"> & {
  readonly fromPath: string;
  readonly toPath: string;
  readonly alsoReadable: readonly string[];
};

function requestOf(
  { before, after }: Pair,
  { fromPath, toPath, alsoReadable, consumer, payload }: Places,
): AnalysisRequest {
  return {
    package: { name: after.name, from: before.version, to: after.version, fromPath, toPath },
    consumer: {
      path: consumer.path,
      revision: consumer.revision,
      interfaceFiles: payload.relationship_config.interface_files,
    },
    alsoReadable,
    searchFrom: [],
    depth: "types",
  };
}

function withoutSources(name: string, missing: readonly string[]): string {
  return `${name}: ${[...new Set(missing)].toSorted().join(", ")} not committed, nor sources of it`;
}

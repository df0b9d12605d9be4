import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { basename, dirname } from "node:path/posix";
import { DEPENDENCY_NAMES } from "../consumer/dependency-names.ts";
import { isNoise } from "../facts/file-kinds.ts";
import { LIMITS, REPOSITORY_LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import { readEach } from "../reading/read-each.ts";
import type { Mirror } from "../sources/git/mirror-folder.ts";
import { isRegular, listTree, readBlobs } from "../sources/git/read-objects.ts";
import { type Named, PACKAGE_NAMES } from "../sources/npm/package-names.ts";
import { isSafePath } from "../sources/tree-writer.ts";

/** Workspaces of one repository that are looked at. */
const MANIFESTS_MAX = 2_000;

type CommitManifests = {
  readonly byFolder: ReadonlyMap<string, Named>;
  readonly degraded: readonly string[];
};

/**
 * The packages of a commit or a tree by their folders, "" for the root. What has no name, or
 * does not parse, is none.
 */
export async function manifestsOfCommit(
  { gitDir }: Mirror,
  commit: string,
  signal: AbortSignal,
): Promise<CommitManifests> {
  const { fileBytesMax, manifestBytesMax } = REPOSITORY_LIMITS;
  const { entries } = await listTree(gitDir, commit, {
    signal,
    limits: REPOSITORY_LIMITS,
    keep: ({ path, mode, size }) =>
      isRegular(mode) &&
      isSafePath(path) &&
      size <= fileBytesMax &&
      basename(path) === "package.json" &&
      !isNoise(path),
  });
  let bytes = 0;
  const found = entries
    .slice(0, MANIFESTS_MAX)
    .filter(({ size }) => (bytes += size) <= manifestBytesMax);
  const texts = new Map<string, string>();
  const unique = new Map(found.map((entry) => [entry.id, entry]));
  for await (const batch of readBlobs(gitDir, unique.values(), { signal })) {
    for (const [id, content] of batch) texts.set(id, content.toString("utf8"));
  }
  const items = found.map(({ id }) => texts.get(id) ?? "");
  const read = await readEach(PACKAGE_NAMES, { shared: undefined, items }, { signal });
  const byFolder = new Map<string, Named>();
  const degraded: string[] = [];
  for (const [index, { path }] of found.entries()) {
    const one = read[index];
    const folder = dirname(path) === "." ? "" : dirname(path);
    if (one === undefined) continue;
    if ("leftOut" in one) degraded.push(`${path} was left out: ${one.leftOut}`);
    else if (one.value !== null) byFolder.set(folder, one.value);
  }
  return { byFolder, degraded };
}

type DependencyNames = {
  readonly names: ReadonlySet<string>;
  /** Whether the tree's own package.json parses; true where there is none. */
  readonly isReadable: boolean;
  readonly degraded: readonly string[];
};

/**
 * The packages that a tree depends on, by the package.json files in it; those of aliases by
 * their true names. A package.json that does not parse, or is too large, names nothing.
 */
export async function dependencyNames(root: string, signal: AbortSignal): Promise<DependencyNames> {
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  const paths: string[] = [];
  const tooLarge: string[] = [];
  for await (const path of manifestPaths(root, "", signal)) {
    if (paths.length >= LIMITS.filesMax) break;
    const size = fence.sizeOf(join(root, path));
    if (size === undefined) continue;
    (size <= LIMITS.fileBytesMax ? paths : tooLarge).push(path);
  }
  const items = paths.map((path) => join(root, path));
  const read = await readEach(DEPENDENCY_NAMES, { shared: root, items }, { signal });
  const names = read.flatMap((one) => ("value" in one ? (one.value ?? []) : []));
  const own = read[paths.indexOf("package.json")];
  return {
    names: new Set(names),
    isReadable: own === undefined || !("value" in own) || own.value !== null,
    degraded: [
      ...tooLarge.map((path) => leftOut(path, `it has more than ${LIMITS.fileBytesMax} bytes`)),
      ...read.flatMap((one, index) =>
        "leftOut" in one ? [leftOut(paths[index] ?? "", one.leftOut)] : [],
      ),
    ],
  };
}

function leftOut(path: string, why: string): string {
  return `${path} of the consumer was left out: ${why}`;
}

async function* manifestPaths(
  root: string,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  signal.throwIfAborted();
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name === "package.json") yield path;
    if (entry.isDirectory() && !entry.name.startsWith(".") && !isNoise(`${entry.name}/`)) {
      yield* manifestPaths(root, path, signal);
    }
  }
}

import { basename, dirname } from "node:path/posix";
import { isNoise } from "../noise.ts";
import { readEach } from "../read-each.ts";
import type { Named } from "../readings.ts";
import { readBlobs } from "./blobs.ts";
import { isRegular, listTree } from "./list-tree.ts";
import type { Mirror } from "./mirror-folder.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";
import { isSafePath } from "./safe-path.ts";

/** Workspaces of one repository that are looked at. */
const MANIFESTS_MAX = 2_000;

export type Manifests = {
  readonly byFolder: ReadonlyMap<string, Named>;
  readonly degraded: readonly string[];
};

/**
 * The packages of a commit or a tree by their folders, "" for the root. What has no name, or
 * does not parse, is none.
 */
export async function manifestsIn(
  { gitDir }: Mirror,
  commit: string,
  signal: AbortSignal,
): Promise<Manifests> {
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
  const places = entries
    .slice(0, MANIFESTS_MAX)
    .filter(({ size }) => (bytes += size) <= manifestBytesMax);
  const texts = new Map<string, string>();
  const unique = new Map(places.map((place) => [place.id, place]));
  for await (const batch of readBlobs(gitDir, unique.values(), { signal })) {
    for (const [id, content] of batch) texts.set(id, content.toString("utf8"));
  }
  const items = places.map(({ id }) => texts.get(id) ?? "");
  const read = await readEach("package", { shared: undefined, items }, { signal });
  const byFolder = new Map<string, Named>();
  const degraded: string[] = [];
  for (const [place, { path }] of places.entries()) {
    const one = read[place];
    const folder = dirname(path) === "." ? "" : dirname(path);
    if (one === undefined) continue;
    if ("leftOut" in one) degraded.push(`${path} was left out: ${one.leftOut}`);
    else if (one.value !== null) byFolder.set(folder, one.value);
  }
  return { byFolder, degraded };
}

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Fence } from "../fence.ts";
import { LIMITS } from "../limits.ts";
import { isNoise } from "../noise.ts";
import { readEach } from "../read-each.ts";

export type DependencyNames = {
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
  const read = await readEach("dependencies", { shared: root, items }, { signal });
  const names = read.flatMap((one) => ("value" in one ? (one.value ?? []) : []));
  const own = read[paths.indexOf("package.json")];
  return {
    names: new Set(names),
    isReadable: own === undefined || !("value" in own) || own.value !== null,
    degraded: [
      ...tooLarge.map((path) => leftOut(path, `it has more than ${LIMITS.fileBytesMax} bytes`)),
      ...read.flatMap((one, place) =>
        "leftOut" in one ? [leftOut(paths[place] ?? "", one.leftOut)] : [],
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

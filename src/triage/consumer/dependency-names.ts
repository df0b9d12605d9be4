import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Fence } from "../fence.ts";
import { LIMITS } from "../limits.ts";
import { isNoise } from "../noise.ts";
import { parseJson } from "./parse-json.ts";

const dependencies = z.record(z.string(), z.string()).catch({}).default({});
const manifest = z.looseObject({
  dependencies,
  devDependencies: dependencies,
  optionalDependencies: dependencies,
  peerDependencies: dependencies,
});

/**
 * The packages that a tree depends on, by the package.json files in it; those of aliases by
 * their true names. A package.json that does not parse names nothing.
 */
export async function dependencyNames(
  root: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  let files = 0;
  for await (const path of manifestPaths(root, "", signal)) {
    if (files++ >= LIMITS.filesMax) break;
    for (const name of namesIn(fence, join(root, path))) names.add(name);
  }
  return names;
}

/** Whether the tree's own package.json parses; true where there is none. */
export function hasReadableManifest(root: string): boolean {
  const fence = new Fence([root]);
  const path = join(root, "package.json");
  return fence.sizeOf(path) === undefined || parseJson(fence, path) !== undefined;
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

function namesIn(fence: Fence, path: string): string[] {
  const parsed = manifest.safeParse(parseJson(fence, path));
  if (!parsed.success) return [];
  const { devDependencies, optionalDependencies, peerDependencies } = parsed.data;
  const listed = { ...peerDependencies, ...optionalDependencies, ...devDependencies };
  return Object.entries({ ...listed, ...parsed.data.dependencies }).map(
    ([key, spec]) => /^npm:(@?[^@]+)/.exec(spec)?.[1] ?? key,
  );
}

import { basename, dirname } from "node:path/posix";
import { z } from "zod";
import { parseJsonText } from "../../json.ts";
import { isNoise } from "../noise.ts";
import { readBlobs } from "./blobs.ts";
import { isRegular, listTree } from "./list-tree.ts";
import type { Mirror } from "./mirror-folder.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";
import { isSafePath } from "./safe-path.ts";

/** Workspaces of one repository that are looked at. */
const MANIFESTS_MAX = 2_000;

const named = z.looseObject({ name: z.string().min(1), version: z.string().catch("") });

/** What a package.json calls its package; `version` is "" where it has none. */
export type Named = { readonly name: string; readonly version: string };

/**
 * The packages of a commit or a tree by their folders, "" for the root. What has no name, or
 * does not parse, is none.
 */
export async function manifestsIn(
  { gitDir }: Mirror,
  commit: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Named>> {
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
  return new Map(
    places.flatMap(({ id, path }) => {
      const parsed = named.safeParse(jsonIn(texts.get(id) ?? ""));
      const folder = dirname(path) === "." ? "" : dirname(path);
      return parsed.success ? [[folder, parsed.data] as const] : [];
    }),
  );
}

function jsonIn(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return null;
  }
}

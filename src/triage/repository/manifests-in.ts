import { dirname } from "node:path/posix";
import { z } from "zod";
import { parseJsonText } from "../../json.ts";
import { isNoise } from "../noise.ts";
import { readBlobs } from "./blobs.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";

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
  const { fileBytesMax, listBytesMax } = REPOSITORY_LIMITS;
  const { stdout } = await git(
    gitDir,
    ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", commit],
    { signal, overflow: "cut", bytesMax: listBytesMax },
  );
  const places = stdout
    .toString("utf8")
    .split("\0")
    .slice(0, -1)
    .map((record) => /^100\d+ blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(record) ?? [])
    .map(([, id = "", size, path = ""]) => ({ id, size: Number(size), path }))
    .filter(({ path }) => /(?:^|\/)package\.json$/.test(path) && !isNoise(path))
    .filter(({ size }) => size <= fileBytesMax)
    .slice(0, MANIFESTS_MAX);
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

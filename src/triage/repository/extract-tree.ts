import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RepositoryConfig } from "../../config.ts";
import { hasCode } from "../../has-code.ts";
import { isNoise } from "../noise.ts";
import { readBlobs } from "./blobs.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "./repository-limits.ts";
import { isSafePath } from "./safe-path.ts";
import { makeScratchFolder, type ScratchTree } from "./scratch-folder.ts";

export type ExtractOptions = {
  readonly signal: AbortSignal;
  /** Paths that no cap on the whole tree cuts off, if they are there. */
  readonly first?: readonly string[];
  /** @default REPOSITORY_LIMITS */
  readonly limits?: RepositoryLimits;
};

/**
 * Write the files of a commit into a new scratch folder. No checkout: no filters, no hooks,
 * no links, no submodules, nothing that can be executed, and no noise. Files whose path
 * could leave the folder, or cannot be, are left out, as is what is too large or too many.
 */
export async function extractTree(
  mirror: Mirror,
  commit: string,
  config: RepositoryConfig,
  { signal, first = [], limits = REPOSITORY_LIMITS }: ExtractOptions,
): Promise<ScratchTree> {
  const listed = await listFiles(mirror, commit, { signal, limits });
  const { chosen, capsHit } = choose(listed.entries, new Set(first), limits);
  for (const cap of listed.capsHit) capsHit.add(cap);
  const scratch = await makeScratchFolder(config.cacheFolder);
  try {
    if (await writeFiles(mirror, chosen, scratch.path, signal)) capsHit.add("paths");
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
  return { ...scratch, revision: commit, capsHit: [...capsHit].toSorted() };
}

type Entry = { readonly path: string; readonly id: string; readonly size: number };
type Listed = { readonly entries: readonly Entry[]; readonly capsHit: readonly string[] };

async function listFiles(
  { gitDir }: Mirror,
  commit: string,
  { signal, limits }: { signal: AbortSignal; limits: RepositoryLimits },
): Promise<Listed> {
  const { stdout, isCut } = await git(
    gitDir,
    ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", commit],
    { signal, overflow: "cut", bytesMax: limits.listBytesMax },
  );
  const entries: Entry[] = [];
  for (const record of stdout.toString("utf8").split("\0").slice(0, -1)) {
    const told = /^100\d+ blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(record);
    const [, id = "", size, path = ""] = told ?? [];
    if (told !== null && !isNoise(path)) entries.push({ path, id, size: Number(size) });
  }
  return { entries, capsHit: isCut ? ["files"] : [] };
}

function choose(
  entries: readonly Entry[],
  first: ReadonlySet<string>,
  limits: RepositoryLimits,
): { chosen: Entry[]; capsHit: Set<string> } {
  const capsHit = new Set<string>();
  const chosen: Entry[] = [];
  let bytes = 0;
  const urgent = entries.filter(({ path }) => first.has(path));
  const rest = entries.filter(({ path }) => !first.has(path));
  for (const entry of [...urgent, ...rest]) {
    if (!isSafePath(entry.path)) capsHit.add("paths");
    else if (entry.size > limits.fileBytesMax) capsHit.add("file_bytes");
    else if (chosen.length >= limits.filesMax) capsHit.add("files");
    else if (bytes + entry.size > limits.treeBytesMax) capsHit.add("tree_bytes");
    else {
      chosen.push(entry);
      bytes += entry.size;
    }
  }
  return { chosen, capsHit };
}

/** Files that are written at a time. */
const WRITES = 64;

/** Whether some could not be written because of their names. */
async function writeFiles(
  { gitDir }: Mirror,
  entries: readonly Entry[],
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const places = Map.groupBy(entries, ({ id }) => id);
  const made = new Set<string>();
  let isMissing = false;
  const blobs = [...places].map(([id, [entry]]) => ({ id, size: entry?.size ?? 0 }));
  for await (const batch of readBlobs(gitDir, blobs, { signal })) {
    const files = [...batch].flatMap(([id, content]) =>
      (places.get(id) ?? []).map(({ path }) => ({ path: join(folder, path), content })),
    );
    for (let at = 0; at < files.length; at += WRITES) {
      signal.throwIfAborted();
      const some = files.slice(at, at + WRITES);
      const written = await Promise.all(some.map((file) => write(file.path, file.content, made)));
      isMissing ||= written.includes(false);
    }
  }
  return isMissing;
}

/** False for a name that the file system has already, or cannot have. */
async function write(path: string, content: Buffer, made: Set<string>): Promise<boolean> {
  try {
    const folder = dirname(path);
    if (!made.has(folder)) {
      await mkdir(folder, { recursive: true });
      made.add(folder);
    }
    await writeFile(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (err) {
    if (hasCode(err, "EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "EINVAL")) return false;
    throw err;
  }
}

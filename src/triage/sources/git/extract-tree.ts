import type { RepositoryConfig } from "../../../index.ts";
import { isComponent, isNoise, isScript } from "../../facts/file-kinds.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import { makeScratchFolder, type ScratchTree } from "../scratch-folder.ts";
import { isSafePath, TreeWriter } from "../tree-writer.ts";
import type { Mirror } from "./mirror-folder.ts";
import { isRegular, listTree, readBlobs, type TreeEntry } from "./read-objects.ts";

type ExtractOptions = {
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
  const { chosen, capsHit, isCodeLeftOut } = await chooseFiles(mirror, commit, {
    signal,
    first,
    limits,
  });
  const scratch = await makeScratchFolder(config.cacheFolder);
  try {
    if (await writeFiles(mirror, chosen, scratch.path, { signal, limits })) capsHit.add("paths");
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
  return { ...scratch, revision: commit, capsHit: [...capsHit].toSorted(), isCodeLeftOut };
}

type Chosen = {
  readonly chosen: readonly TreeEntry[];
  readonly capsHit: Set<string>;
  readonly isCodeLeftOut: boolean;
};

/** What the limits allow, those of `first` before all others. No more than that is kept of a list. */
async function chooseFiles(
  { gitDir }: Mirror,
  commit: string,
  { signal, first, limits }: Required<ExtractOptions>,
): Promise<Chosen> {
  const capsHit = new Set<string>();
  const wanted = new Set(first);
  const urgent: TreeEntry[] = [];
  const rest: TreeEntry[] = [];
  let isCodeTooLarge = false;
  const offer = (entry: TreeEntry): boolean => {
    if (!isRegular(entry.mode) || isNoise(entry.path)) return false;
    if (!isSafePath(entry.path)) capsHit.add("paths");
    else if (entry.size > limits.fileBytesMax) {
      capsHit.add("file_bytes");
      isCodeTooLarge ||= isScript(entry.path) || isComponent(entry.path);
    } else if (wanted.has(entry.path)) urgent.push(entry);
    else if (rest.length < limits.filesMax) rest.push(entry);
    else capsHit.add("files");
    return false;
  };
  const listed = await listTree(gitDir, commit, { signal, limits, keep: offer });
  if (listed.isCut) capsHit.add("files");
  if (listed.hasLongNames) capsHit.add("paths");
  let bytes = 0;
  const chosen = [...urgent, ...rest].filter(({ size }, place) => {
    if (place >= limits.filesMax) capsHit.add("files");
    else if (bytes + size > limits.treeBytesMax) capsHit.add("tree_bytes");
    else {
      bytes += size;
      return true;
    }
    return false;
  });
  const isCut = capsHit.has("files") || capsHit.has("tree_bytes");
  return { chosen, capsHit, isCodeLeftOut: isCodeTooLarge || isCut };
}

/** Whether some could not be written because of their names. */
async function writeFiles(
  { gitDir }: Mirror,
  entries: readonly TreeEntry[],
  folder: string,
  { signal, limits }: Required<Pick<ExtractOptions, "signal" | "limits">>,
): Promise<boolean> {
  const places = Map.groupBy(entries, ({ id }) => id);
  const writer = new TreeWriter(folder, limits);
  let isMissing = false;
  const blobs = [...places].map(([id, [entry]]) => ({ id, size: entry?.size ?? 0 }));
  for await (const batch of readBlobs(gitDir, blobs, { signal })) {
    const files = [...batch].flatMap(([id, content]) =>
      (places.get(id) ?? []).map(({ path }) => ({ path, content })),
    );
    for (let at = 0; at < files.length; at += FILES_BETWEEN_LOOKS) {
      signal.throwIfAborted();
      const left = await writer.write(files.slice(at, at + FILES_BETWEEN_LOOKS));
      isMissing ||= left.length > 0;
    }
  }
  return isMissing;
}

/** Files that are written until the signal is looked at again. */
const FILES_BETWEEN_LOOKS = 200;

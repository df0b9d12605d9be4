import { isRegular, type TreeEntry } from "../repository/list-tree.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

export type Renames = {
  /** By the id of the template's blob. */
  readonly renames: ReadonlyMap<string, TreeEntry>;
  /** Whether there were too many files to look for any but those whose content is the same. */
  readonly isCut: boolean;
};

/**
 * Where files of the template lie in the derivative under other names, by the ids of their
 * blobs: at least half of the content is the same. `candidates` are the derivative's files
 * that are no counterpart of another file.
 */
export async function findRenames(
  store: JoinedStore,
  missing: readonly string[],
  candidates: readonly TreeEntry[],
  { renamesMax = TEMPLATE_LIMITS.renamesMax }: { readonly renamesMax?: number } = {},
): Promise<Renames> {
  const { fileBytesMax } = REPOSITORY_LIMITS;
  const nothing: Renames = { renames: new Map(), isCut: false };
  if (missing.length === 0) return nothing;
  const sought = [...new Set(missing)].toSorted();
  const possible = candidates
    .filter(({ mode, size }) => isRegular(mode) && size > 0 && size <= fileBytesMax)
    .toSorted((left, right) => (left.path < right.path ? -1 : 1));
  if (possible.length === 0) return nothing;
  const isCut = sought.length * possible.length > renamesMax;
  const before = await flatTree(store, sought);
  const ids = possible.map(({ id }) => id);
  const after = await flatTree(store, ids, sought.length);
  const similarity = isCut ? "-M100%" : "-M50%";
  const flags = ["-r", "-z", "--raw", "--no-abbrev", similarity, "-l0", "--diff-filter=R"];
  const { stdout } = await store.run(["diff-tree", ...flags, before, after]);
  const fields = stdout.toString("utf8").split("\0");
  const renames = new Map<string, TreeEntry>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const id = sought[Number(fields[at + 1])];
    const entry = possible[Number(fields[at + 2]) - sought.length];
    if (id !== undefined && entry !== undefined) renames.set(id, entry);
  }
  return { renames, isCut };
}

const DIGITS = 8;

/** A tree of blobs under numbers, so that names say nothing. */
async function flatTree(store: JoinedStore, ids: readonly string[], from = 0): Promise<string> {
  const input = ids
    .map((id, index) => `100644 blob ${id}\t${String(from + index).padStart(DIGITS, "0")}\0`)
    .join("");
  return await store.line(["mktree", "-z"], { input });
}

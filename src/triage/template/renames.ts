import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";
import { isRegular, type TreeEntry } from "./tree-listing.ts";

/**
 * Where files of the template lie in the derivative under other names, by the ids of their
 * blobs: at least half of the content is the same. `candidates` are the derivative's files
 * that are no counterpart of another file.
 */
export async function findRenames(
  store: JoinedStore,
  missing: readonly string[],
  candidates: readonly TreeEntry[],
): Promise<ReadonlyMap<string, TreeEntry>> {
  const { fileBytesMax, renamesMax } = REPOSITORY_LIMITS;
  const sought = [...new Set(missing)].toSorted();
  const possible = candidates
    .filter(({ mode, size }) => isRegular(mode) && size > 0 && size <= fileBytesMax)
    .toSorted((left, right) => (left.path < right.path ? -1 : 1));
  if (sought.length === 0 || possible.length === 0) return new Map();
  const before = await flatTree(store, sought);
  const after = await flatTree(
    store,
    possible.map(({ id }) => id),
    sought.length,
  );
  const { stdout } = await store.run([
    "diff-tree",
    "-r",
    "-z",
    "--raw",
    "--no-abbrev",
    "-M50%",
    `-l${renamesMax}`,
    "--diff-filter=R",
    before,
    after,
  ]);
  const fields = stdout.toString("utf8").split("\0");
  const found = new Map<string, TreeEntry>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const id = sought[Number(fields[at + 1])];
    const entry = possible[Number(fields[at + 2]) - sought.length];
    if (id !== undefined && entry !== undefined) found.set(id, entry);
  }
  return found;
}

const DIGITS = 8;

/** A tree of blobs under numbers, so that names say nothing. */
async function flatTree(store: JoinedStore, ids: readonly string[], from = 0): Promise<string> {
  const input = ids
    .map((id, index) => `100644 blob ${id}\t${String(from + index).padStart(DIGITS, "0")}\0`)
    .join("");
  return await store.line(["mktree", "-z"], { input });
}

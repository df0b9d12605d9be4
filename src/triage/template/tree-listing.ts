import { PermanentError } from "../../outcome.ts";
import { listTree, type TreeEntry } from "../repository/list-tree.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";

/**
 * All that a commit or tree holds, by path. Throws a PermanentError where that is too much:
 * of a file that is not listed, nobody could say that it is missing.
 */
export async function treeListing(
  { gitDir, signal }: JoinedStore,
  revision: string,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const limits = REPOSITORY_LIMITS;
  const { entries, isCut, hasLongNames } = await listTree(gitDir, revision, { signal, limits });
  if (isCut || hasLongNames) {
    throw new PermanentError(
      `the tree of ${revision} is too large: it has more than ${limits.treeEntriesMax} files, ` +
        `or names of more than ${limits.listBytesMax} bytes`,
    );
  }
  return new Map(entries.map((entry) => [entry.path, entry]));
}

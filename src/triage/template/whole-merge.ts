import type { TreeEntry } from "../repository/list-tree.ts";
import type { JoinedStore } from "./joined-store.ts";
import { treeListing } from "./tree-listing.ts";

/** What comes out when the derivative merges the template, as `git merge` would. */
export type WholeMerge = {
  readonly conflicts: ReadonlySet<string>;
  readonly entries: ReadonlyMap<string, TreeEntry>;
};

/**
 * Merge two commits of one history, in memory. Null where git is older than 2.38 and cannot:
 * then only the change itself was merged.
 */
export async function wholeMerge(
  store: JoinedStore,
  { target, head }: { readonly target: string; readonly head: string },
): Promise<WholeMerge | null> {
  const flags = ["--write-tree", "--name-only", "--no-messages", "-z"];
  const { stdout, exitCode } = await store.run(["merge-tree", ...flags, target, head], {
    exitCodes: [0, 1, 128, 129],
  });
  if (exitCode > 1) return null;
  const [tree = "", ...conflicts] = stdout.toString("utf8").split("\0");
  const entries = await treeListing(store, tree);
  return { conflicts: new Set(conflicts.filter((path) => path !== "")), entries };
}

import type { ChangedFile } from "../change-set.ts";
import { readBlobs } from "../repository/blobs.ts";
import type { TreeEntry } from "../repository/list-tree.ts";
import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";

/**
 * Whether a file has all lines that a change added, and none that it removed: a diff without
 * headers shows no more.
 */
export async function linesTell(
  { gitDir, signal }: JoinedStore,
  entry: TreeEntry,
  { added, removed }: ChangedFile,
): Promise<boolean> {
  const [came, gone] = [told(added), told(removed)];
  if (came.length === 0 || entry.size > REPOSITORY_LIMITS.fileBytesMax) return false;
  for await (const batch of readBlobs(gitDir, [entry], { signal })) {
    const text = batch.get(entry.id)?.toString("utf8") ?? "";
    const lines = new Set(text.split("\n").map((line) => line.trim()));
    return (
      came.every((line) => lines.has(line)) &&
      gone.every((line) => came.includes(line) || !lines.has(line))
    );
  }
  return false;
}

/** Lines that say something, whatever their indentation. */
function told(lines: ChangedFile["added"]): string[] {
  return lines.map(({ text }) => text.trim()).filter((text) => text !== "");
}

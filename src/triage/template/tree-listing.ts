import { REPOSITORY_LIMITS } from "../repository/repository-limits.ts";
import type { JoinedStore } from "./joined-store.ts";

/** A file, link or submodule of a tree. */
export type TreeEntry = {
  readonly path: string;
  /** As git writes it: `100644`. */
  readonly mode: string;
  readonly id: string;
  /** Bytes; 0 for a submodule. */
  readonly size: number;
};

export type TreeListing = {
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** Whether there are more than the limit. */
  readonly isCut: boolean;
};

/** All that a commit or tree holds, by path. */
export async function treeListing(
  store: JoinedStore,
  revision: string,
  filesMax: number = REPOSITORY_LIMITS.filesMax,
): Promise<TreeListing> {
  const { stdout, isCut } = await store.run(
    ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", revision],
    { overflow: "cut", bytesMax: REPOSITORY_LIMITS.listBytesMax },
  );
  const records = stdout.toString("utf8").split("\0").slice(0, -1);
  const entries = records.slice(0, filesMax).flatMap((record) => {
    const [, mode, id, size, path] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(record) ?? [];
    return mode === undefined || id === undefined || path === undefined
      ? []
      : [{ path, mode, id, size: size === "-" ? 0 : Number(size) }];
  });
  return {
    entries: new Map(entries.map((entry) => [entry.path, entry])),
    isCut: isCut || records.length > filesMax,
  };
}

export function isRegular(mode: string): boolean {
  return mode.startsWith("100");
}

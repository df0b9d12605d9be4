import { setImmediate } from "node:timers/promises";
import { PermanentError } from "../../outcome.ts";
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

/**
 * All that a commit or tree holds, by path. Throws a PermanentError where that is too much:
 * of a file that is not listed, nobody could say that it is missing.
 */
export async function treeListing(
  store: JoinedStore,
  revision: string,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const { stdout, isCut } = await store.run(
    ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", revision],
    { overflow: "cut", bytesMax: REPOSITORY_LIMITS.listBytesMax },
  );
  if (isCut) {
    const bytes = REPOSITORY_LIMITS.listBytesMax;
    throw new PermanentError(`the list of files of ${revision} has more than ${bytes} bytes`);
  }
  const entries = new Map<string, TreeEntry>();
  const records = stdout.toString("utf8").split("\0").slice(0, -1);
  for (const [place, record] of records.entries()) {
    // Others have their turn: there can be some hundred thousand.
    if (place % RECORDS_AT_A_TIME === 0) await setImmediate(undefined, { signal: store.signal });
    const entry = entryIn(record);
    if (entry !== null) entries.set(entry.path, entry);
  }
  return entries;
}

const RECORDS_AT_A_TIME = 5_000;

function entryIn(record: string): TreeEntry | null {
  const [, mode, id, size, path] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(record) ?? [];
  return mode === undefined || id === undefined || path === undefined
    ? null
    : { path, mode, id, size: size === "-" ? 0 : Number(size) };
}

export function isRegular(mode: string): boolean {
  return mode.startsWith("100");
}

import type { RepositoryLimits } from "../../facts/limits.ts";
import { git } from "./git.ts";

/** A file, link or submodule of a tree. */
export type TreeEntry = {
  readonly path: string;
  /** As git writes it: `100644`. */
  readonly mode: string;
  readonly id: string;
  /** Bytes; 0 for a submodule. */
  readonly size: number;
};

type TreeList = {
  readonly entries: readonly TreeEntry[];
  /** Whether there are more than the limits allow to look at. */
  readonly isCut: boolean;
  /** Whether some have names that no file system takes. */
  readonly hasLongNames: boolean;
};

type ListOptions = {
  readonly signal: AbortSignal;
  readonly limits: Pick<RepositoryLimits, "treeEntriesMax" | "listBytesMax">;
  /** Which of them are kept. @default all */
  readonly keep?: (entry: TreeEntry) => boolean;
};

/**
 * The files of a commit or tree in git's order. They are read one by one as git tells them,
 * and no further than the limits: a few kilobytes of trees can hold thousands of millions.
 */
export async function listTree(
  gitDir: string,
  revision: string,
  { signal, limits, keep = () => true }: ListOptions,
): Promise<TreeList> {
  const entries: TreeEntry[] = [];
  let count = 0;
  const records = new Records((record) => {
    count++;
    const entry = count <= limits.treeEntriesMax ? entryIn(record) : null;
    if (entry !== null && keep(entry)) entries.push(entry);
  });
  const { isCut } = await git(
    gitDir,
    ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", revision],
    {
      signal,
      overflow: "cut",
      bytesMax: limits.listBytesMax,
      take: (chunk) => {
        records.add(chunk);
        return count <= limits.treeEntriesMax;
      },
    },
  );
  return { entries, isCut, hasLongNames: records.hasLong };
}

/** Whether a commit or tree has more files, or longer names of them together, than the limits. */
export async function isBeyondLimits(
  gitDir: string,
  revision: string,
  { signal, limits }: Pick<ListOptions, "signal" | "limits">,
): Promise<boolean> {
  let count = 0;
  const { isCut } = await git(
    gitDir,
    ["ls-tree", "-r", "-z", "--name-only", "--full-tree", "--end-of-options", revision],
    {
      signal,
      overflow: "cut",
      bytesMax: limits.listBytesMax,
      take: (chunk) => {
        for (let at = chunk.indexOf(0); at !== -1; at = chunk.indexOf(0, at + 1)) count++;
        return count <= limits.treeEntriesMax;
      },
    },
  );
  return isCut;
}

/** Bytes of a record, far more than a path may have. */
const RECORD_BYTES_MAX = 16_384;

/** Cuts output into records that end with a NUL. One that is too long is dropped as it comes. */
class Records {
  readonly #onRecord: (record: string) => void;
  #begun: Buffer[] = [];
  #begunBytes = 0;
  hasLong = false;

  constructor(onRecord: (record: string) => void) {
    this.#onRecord = onRecord;
  }

  add(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, from)) {
      this.#put(chunk.subarray(from, end));
      if (this.#begunBytes > RECORD_BYTES_MAX) this.hasLong = true;
      else this.#onRecord(Buffer.concat(this.#begun).toString("utf8"));
      this.#begun = [];
      this.#begunBytes = 0;
      from = end + 1;
    }
    this.#put(chunk.subarray(from));
  }

  #put(part: Buffer): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes > RECORD_BYTES_MAX) this.#begun = [];
    else this.#begun.push(part);
  }
}

function entryIn(record: string): TreeEntry | null {
  const [, mode, id, size, path] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(record) ?? [];
  return mode === undefined || id === undefined || path === undefined
    ? null
    : { path, mode, id, size: size === "-" ? 0 : Number(size) };
}

export function isRegular(mode: string): boolean {
  return mode.startsWith("100");
}

/** Bytes that are asked of git at a time, unless one blob has more. */
const BATCH_BYTES = 16_000_000;

type Options = { readonly signal: AbortSignal };

/** The sizes of blobs, in bytes. What is no blob, or is not there, is absent. */
export async function blobSizes(
  gitDir: string,
  ids: readonly string[],
  { signal }: Options,
): Promise<ReadonlyMap<string, number>> {
  const args = ["cat-file", "--batch-check"] as const;
  const { stdout } = await git(gitDir, args, { signal, input: linesOf(ids) });
  const found = [...stdout.toString("latin1").matchAll(/^([0-9a-f]+) blob (\d+)$/gm)];
  return new Map(found.map(([, id = "", size]) => [id, Number(size)]));
}

/** Blobs with their contents, in batches of bounded size. Each id once, with its true size. */
export async function* readBlobs(
  gitDir: string,
  blobs: Iterable<{ readonly id: string; readonly size: number }>,
  { signal }: Options,
): AsyncGenerator<ReadonlyMap<string, Buffer>> {
  let batch: string[] = [];
  let bytes = 0;
  for (const { id, size } of blobs) {
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield await readBatch(gitDir, batch, bytes, signal);
      batch = [];
      bytes = 0;
    }
    batch.push(id);
    bytes += size;
  }
  if (batch.length > 0) yield await readBatch(gitDir, batch, bytes, signal);
}

/** Bytes that git prints around a blob: its id, its kind, its size, two newlines. */
const FRAME_BYTES = 100;

async function readBatch(
  gitDir: string,
  ids: readonly string[],
  bytes: number,
  signal: AbortSignal,
): Promise<Map<string, Buffer>> {
  const bytesMax = bytes + ids.length * FRAME_BYTES;
  const args = ["cat-file", "--batch"] as const;
  const { stdout } = await git(gitDir, args, { signal, bytesMax, input: linesOf(ids) });
  const contents = new Map<string, Buffer>();
  let at = 0;
  while (at < stdout.length) {
    const end = stdout.indexOf("\n", at);
    const told = /^([0-9a-f]+) \w+ (\d+)$/.exec(stdout.toString("latin1", at, end));
    at = end + 1;
    if (told === null) continue; // "… missing": it was there when its size was asked
    const size = Number(told[2]);
    contents.set(told[1] ?? "", stdout.subarray(at, at + size));
    at += size + 1;
  }
  return contents;
}

function linesOf(ids: readonly string[]): string {
  return ids.map((id) => `${id}\n`).join("");
}

/** As git sees it: a NUL near the beginning. */
export function isBinary(content: Buffer): boolean {
  return content.subarray(0, 8_000).includes(0);
}

import { git } from "./git.ts";

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

import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export type FolderLimits = { readonly bytesMax: number; readonly filesMax: number };

/** Milliseconds between two looks. */
const LOOK_MS = 250;

/**
 * Do work that fills a folder, and end it once the folder is beyond its limits: its signal
 * aborts with `tooMuch()` then, and so it rejects.
 */
export async function whileFolderFits<Result>(
  folder: string,
  limits: FolderLimits,
  { signal, tooMuch }: { readonly signal: AbortSignal; readonly tooMuch: () => Error },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const grown = new AbortController();
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      if (!(await fits(folder, limits))) {
        grown.abort(tooMuch());
        return;
      }
      await delay(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
    }
  };
  const watched = watch();
  try {
    const result = await work(AbortSignal.any([signal, grown.signal]));
    if (!(await fits(folder, limits))) throw tooMuch();
    return result;
  } finally {
    ended.abort();
    await watched;
  }
}

/** Reads no further than the limits. What is not there, or vanishes meanwhile, counts nothing. */
async function fits(root: string, { bytesMax, filesMax }: FolderLimits): Promise<boolean> {
  let bytes = 0;
  let files = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await opendir(folder).catch(() => null);
    if (entries === null) continue;
    for await (const entry of entries) {
      const path = join(folder, entry.name);
      if (++files > filesMax) return false;
      if (entry.isDirectory()) folders.push(path);
      else bytes += await sizeOf(path);
      if (bytes > bytesMax) return false;
    }
  }
  return true;
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

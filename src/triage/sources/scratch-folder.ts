import { mkdir, mkdtemp, readdir, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, processStartTime } from "../../index.ts";
import type { Tree } from "../facts/analysis.ts";
import { REPOSITORY_LIMITS } from "../facts/limits.ts";

/** A tree that is removed when it is disposed of. */
export type ScratchTree = Tree & AsyncDisposable;

type ScratchFolder = AsyncDisposable & { readonly path: string };

/**
 * A new folder that nobody else may read, removed when it is disposed of. What a process
 * left that was killed is removed on the way, after an hour: a container that shares the
 * cache does not see the processes of another.
 */
export async function makeScratchFolder(cacheFolder: string): Promise<ScratchFolder> {
  const parent = join(cacheFolder, "scratch");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeLeft(parent);
  const made = await mkdtemp(
    join(parent, `${process.pid}-${await processStartTime(process.pid)}-`),
  );
  // The compiler names files by their real paths, which must be known as ours.
  const path = await realpath(made);
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

async function removeLeft(parent: string): Promise<void> {
  const now = Date.now();
  for (const name of await readdir(parent)) {
    const [pid, start] = name.split("-");
    const path = join(parent, name);
    const at = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    );
    if (now - at < REPOSITORY_LIMITS.inUseMs) continue;
    if (isAlive(Number(pid)) && (await processStartTime(Number(pid))) === start) continue;
    await rm(path, { recursive: true, force: true });
  }
}

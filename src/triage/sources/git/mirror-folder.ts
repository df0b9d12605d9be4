import { hash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, tryFileLock } from "../../../index.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import type { Remote } from "./remote.ts";

/** A bare repository that mirrors another one. It stays usable for an hour from its opening. */
export type Mirror = {
  /** `owner/name`, for messages. */
  readonly repo: string;
  readonly gitDir: string;
  readonly remote: Remote;
};

export function mirrorsFolder(cacheFolder: string): string {
  return join(cacheFolder, "mirrors");
}

/** The folder of a URL's mirror: a name for people, and a hash that tells two URLs apart. */
export function mirrorOf(repo: string, remote: Remote, cacheFolder: string): Mirror {
  const name = repo.replaceAll(/[^\w.-]+/g, "-").slice(0, 80);
  const suffix = hash("sha256", remote.url).slice(0, 16);
  return { repo, gitDir: join(mirrorsFolder(cacheFolder), `${name}-${suffix}.git`), remote };
}

/** Beside the mirror, so that it outlives it. */
export function lockPathOf(gitDir: string): string {
  return `${gitDir}.lock`;
}

/** When the last fetch that came to its end began, in ms since 1970; null without one. */
export async function refreshedAt(gitDir: string): Promise<number | null> {
  try {
    const at = Number(await readFile(join(gitDir, REFRESHED), "utf8"));
    return Number.isFinite(at) ? at : null;
  } catch (err) {
    if (hasCode(err, "ENOENT")) return null;
    throw err;
  }
}

export async function noteRefreshed(gitDir: string, startedAt: number): Promise<void> {
  await writeFile(join(gitDir, REFRESHED), String(startedAt));
}

/** Its time of modification is when the mirror was used last. */
export const REFRESHED = "triaged-refreshed";

/** Keep the mirror from being evicted for a while. */
export async function noteUsed(gitDir: string): Promise<void> {
  const now = new Date();
  await utimes(join(gitDir, REFRESHED), now, now);
}

type Kept = { readonly gitDir: string; readonly usedAt: number; readonly bytes: number };
type EvictLimits = Pick<RepositoryLimits, "mirrorAgeMs" | "mirrorsBytesMax" | "inUseMs">;

/**
 * Remove mirrors that nobody has used for long, and then those used least lately until the
 * rest fits. Spares `spared`, what may be in use, and what another process holds the lock of.
 */
export async function evictMirrors(
  cacheFolder: string,
  spared: string,
  limits: EvictLimits = REPOSITORY_LIMITS,
): Promise<void> {
  const now = Date.now();
  const mirrors = await readMirrors(mirrorsFolder(cacheFolder));
  let total = mirrors.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { gitDir, usedAt, bytes } of mirrors) {
    const isOld = now - usedAt > limits.mirrorAgeMs;
    const mayBeInUse = gitDir === spared || now - usedAt < limits.inUseMs;
    if (mayBeInUse || (!isOld && total <= limits.mirrorsBytesMax)) continue;
    if (await remove(gitDir, usedAt)) total -= bytes;
  }
}

/** The one that was used longest ago first. */
async function readMirrors(folder: string): Promise<Kept[]> {
  const names = (await readdir(folder)).filter((name) => /\.git$|\.trash$/.test(name));
  const mirrors = await Promise.all(
    names.map(async (name) => {
      const gitDir = join(folder, name);
      const usedAt = await lastUse(gitDir);
      return { gitDir, usedAt: usedAt ?? 0, bytes: await sizeOf(gitDir) };
    }),
  );
  return mirrors.toSorted((left, right) => left.usedAt - right.usedAt);
}

/** Null for what is not there. */
async function lastUse(gitDir: string): Promise<number | null> {
  return (await timeOf(join(gitDir, REFRESHED))) ?? (await timeOf(gitDir));
}

async function timeOf(path: string): Promise<number | null> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}

/** Bytes of a folder. What vanishes meanwhile counts nothing. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

/**
 * Moved away first: a mirror is whole or it is not there. False where another holds it, has
 * removed it, or has used it since `usedAt`: adding up what all of them take has its time.
 */
async function remove(gitDir: string, usedAt: number): Promise<boolean> {
  const lock = await tryFileLock(lockPathOf(gitDir));
  if (lock.holder !== null) return false;
  try {
    if ((await lastUse(gitDir)) !== usedAt) return false;
    const trash = `${gitDir}.${randomUUID()}.trash`;
    await rename(gitDir, trash);
    await rm(trash, { recursive: true, force: true });
    return true;
  } finally {
    await lock.release();
  }
}

import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type RepositoryConfig, RetryableError, tryFileLock } from "../../../index.ts";
import { REPOSITORY_LIMITS } from "../../facts/limits.ts";
import { fetchCommit, fetchMirror } from "./fetch-mirror.ts";
import { git } from "./git.ts";
import {
  evictMirrors,
  lockPathOf,
  type Mirror,
  mirrorOf,
  mirrorsFolder,
  noteUsed,
  refreshedAt,
} from "./mirror-folder.ts";
import { type RepositoryReference, remoteOf, toPublicAddress } from "./remote.ts";

type OpenOptions = {
  readonly signal: AbortSignal;
  /**
   * Commits that it must have. With all of them there it is not fetched, since a commit never
   * changes. Without any it is: a branch does.
   */
  readonly commits?: readonly string[];
};

/**
 * The mirror of a repository, made or brought up to date. Who asks while another process
 * fetches waits for it, and has the benefit. Throws a PermanentError where the repository is
 * not there or its place cannot be, a RetryableError where it could not be reached.
 */
export async function openMirror(
  place: RepositoryReference,
  config: RepositoryConfig,
  { signal, commits = [] }: OpenOptions,
): Promise<Mirror> {
  const askedAt = Date.now();
  // Also for what is mirrored already: an operator's private repository may have the same URL.
  const remote = await toPublicAddress(remoteOf(place, config), place.repo);
  const mirror = mirrorOf(place.repo, remote, config.cacheFolder);
  await mkdir(mirrorsFolder(config.cacheFolder), { recursive: true, mode: 0o700 });
  if (commits.length > 0 && (await hasAll(mirror, commits, signal))) {
    await noteUsed(mirror.gitDir);
    return mirror;
  }
  const limits = { bytesMax: config.repositoryBytesMax };
  await withMirrorLock(mirror.gitDir, { signal }, async () => {
    const refreshed = await refreshedAt(mirror.gitDir);
    // One that began after we asked has seen all that we could see.
    if (refreshed === null || refreshed < askedAt) await fetchMirror(mirror, signal, limits);
    for (const sha of commits) {
      if (FULL_SHA.test(sha) && !(await has(mirror, sha, signal))) {
        await fetchCommit(mirror, sha, signal, limits);
      }
    }
    await noteUsed(mirror.gitDir);
  });
  await evictMirrors(config.cacheFolder, mirror.gitDir);
  return mirror;
}

const FULL_SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

async function hasAll(
  mirror: Mirror,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  if ((await refreshedAt(mirror.gitDir)) === null) return false;
  for (const sha of commits) {
    if (!(await has(mirror, sha, signal))) return false;
  }
  return true;
}

async function has({ gitDir }: Mirror, sha: string, signal: AbortSignal): Promise<boolean> {
  if (!/^[0-9a-f]{7,64}$/.test(sha)) return false;
  const { exitCode } = await git(gitDir, ["cat-file", "-e", `${sha}^{commit}`], {
    signal,
    exitCodes: [0, 1, 128],
  });
  return exitCode === 0;
}

/** Milliseconds between two looks at a lock that another has. */
const LOOK_MS = 50;

type LockOptions = { readonly signal: AbortSignal; readonly lockWaitMs?: number };

/**
 * Work on a mirror while nobody else changes it. Waits for a holder that lives, and takes
 * over from one that does not. Rejects with what the work throws, with the signal's reason,
 * and with a RetryableError where the lock is not had within the limit.
 */
export async function withMirrorLock<Result>(
  gitDir: string,
  options: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = await lock(gitDir, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function lock(
  gitDir: string,
  { signal, lockWaitMs = REPOSITORY_LIMITS.lockWaitMs }: LockOptions,
): Promise<() => Promise<void>> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    signal.throwIfAborted();
    const tried = await tryFileLock(lockPathOf(gitDir));
    if (tried.holder === null) return tried.release;
    if (performance.now() > deadline) {
      throw new RetryableError(`process ${tried.holder} has ${lockPathOf(gitDir)} for too long`);
    }
    await delay(LOOK_MS, undefined, { signal });
  }
}

import { mkdir } from "node:fs/promises";
import type { RepositoryConfig } from "../../config.ts";
import { evictMirrors } from "./evict-mirrors.ts";
import { fetchCommit, fetchMirror } from "./fetch-mirror.ts";
import { git } from "./git.ts";
import { type Mirror, mirrorOf, mirrorsFolder, noteUsed, refreshedAt } from "./mirror-folder.ts";
import { underMirrorLock } from "./mirror-lock.ts";
import { toPublicAddress } from "./public-remote.ts";
import { type RepositoryPlace, remoteOf } from "./remote.ts";

export type OpenOptions = {
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
  place: RepositoryPlace,
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
  await underMirrorLock(mirror.gitDir, { signal }, async () => {
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

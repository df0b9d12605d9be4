import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { RetryableError } from "../../outcome.ts";
import { git } from "./git.ts";
import { type Mirror, noteRefreshed } from "./mirror-folder.ts";
import { remoteErrorFrom } from "./remote-error.ts";
import { REPOSITORY_LIMITS } from "./repository-limits.ts";

/** Branches and tags, as they are there. Other refs, such as those of pull requests, are many. */
const REFSPECS = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
/** What was fetched by its id alone, so that it is not taken for garbage. */
const KEPT = "refs/triaged";

/**
 * Bring a mirror up to date, or make it. Call it with the mirror's lock held. One that is
 * broken, as a killed fetch can leave it, is made anew once. Throws a PermanentError where
 * the repository is not there, a RetryableError where it could not be reached.
 */
export async function fetchMirror(mirror: Mirror, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now();
  // A folder without any fetch that ended is what a killed one has left, with its locks.
  const isNew = !existsSync(mirror.gitDir);
  try {
    await fetchAll(mirror, signal);
  } catch (error) {
    const known = remoteErrorFrom(error, mirror.repo);
    if (known !== null) throw known;
    if (signal.aborted || isNew || error instanceof RetryableError) throw error;
    await rm(mirror.gitDir, { recursive: true, force: true });
    await fetchAll(mirror, signal);
  }
  await noteRefreshed(mirror.gitDir, startedAt);
  await tidyUp(mirror, signal);
}

/**
 * Try to get a commit that no branch or tag leads to. Resolves also where the remote does not
 * have it; throws a RetryableError where it could not be reached, or took too long.
 */
export async function fetchCommit(
  mirror: Mirror,
  sha: string,
  signal: AbortSignal,
  { limitMs }: FetchOptions = {},
): Promise<void> {
  const refspec = `+${sha}:${KEPT}/${sha}`;
  try {
    await run(mirror, ["fetch", ...FETCH_FLAGS, "--", mirror.remote.url, refspec], signal, limitMs);
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    const known = remoteErrorFrom(error, mirror.repo);
    // The server says that it does not have it, or gives nothing but branches and tags.
    if (signal.aborted || (known !== null && !NOT_THERE.test(String(error)))) throw known ?? error;
  }
}
/** @default REPOSITORY_LIMITS.fetchMs */
type FetchOptions = { readonly limitMs?: number };

const NOT_THERE = /not our ref|unadvertised object|remote error|couldn't find remote ref/i;

const FETCH_FLAGS = [
  "--quiet",
  "--force",
  "--no-tags",
  "--no-auto-maintenance",
  "--no-write-fetch-head",
  "--no-recurse-submodules",
];

async function fetchAll(mirror: Mirror, signal: AbortSignal): Promise<void> {
  const { gitDir, remote } = mirror;
  await mkdir(dirname(gitDir), { recursive: true, mode: 0o700 });
  await git(gitDir, ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], {
    signal,
  });
  const asked = await run(mirror, ["ls-remote", "--symref", "--", remote.url, "HEAD"], signal);
  await refuseEmpty(mirror, asked.stdout, signal);
  await run(mirror, ["fetch", "-p", ...FETCH_FLAGS, "--", remote.url, ...REFSPECS], signal);
  await setHead(mirror, asked.stdout.toString("utf8"), signal);
}

/**
 * A repository that had branches and tells none is more likely a host in trouble, or a page
 * that asks for a login: what the mirror has is not given up for that.
 */
async function refuseEmpty({ gitDir, repo }: Mirror, told: Buffer, signal: AbortSignal) {
  if (told.length > 0) return;
  const args = ["for-each-ref", "--count=1", "refs/heads", "refs/tags"] as const;
  const { stdout } = await git(gitDir, args, { signal });
  if (stdout.length > 0) throw new RetryableError(`${repo} tells no default branch any more`);
}

/** HEAD is the default branch; or a commit, where the remote's is none. */
async function setHead({ gitDir }: Mirror, answer: string, signal: AbortSignal): Promise<void> {
  const branch = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(answer)?.[1];
  const commit = /^([0-9a-f]+)\tHEAD$/m.exec(answer)?.[1];
  if (branch !== undefined) {
    await git(gitDir, ["symbolic-ref", "HEAD", branch], { signal });
  } else if (commit !== undefined) {
    await git(gitDir, ["update-ref", "--no-deref", "--end-of-options", "HEAD", commit], { signal });
  }
}

async function run(
  mirror: Mirror,
  args: readonly [string, ...string[]],
  signal: AbortSignal,
  limitMs: number = REPOSITORY_LIMITS.fetchMs,
) {
  const { protocols, config } = mirror.remote;
  return await git(mirror.gitDir, args, { signal, protocols, config, limitMs });
}

/** Put many packs together. A mirror that could not be tidied up is as good as before. */
async function tidyUp({ gitDir }: Mirror, signal: AbortSignal): Promise<void> {
  await git(gitDir, ["gc", "--auto", "--quiet"], { signal }).catch(() => signal.throwIfAborted());
}

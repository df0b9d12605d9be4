import { existsSync } from "node:fs";
import { mkdir, opendir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PermanentError, RetryableError } from "../../../index.ts";
import { REPOSITORY_LIMITS } from "../../facts/limits.ts";
import { git } from "./git.ts";
import { type Mirror, noteRefreshed } from "./mirror-folder.ts";
import { remoteErrorFrom } from "./remote.ts";

/** Branches and tags, as they are there. Other refs, such as those of pull requests, are many. */
const REFSPECS = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
/** What was fetched by its id alone, so that it is not taken for garbage. */
const KEPT = "refs/triaged";

type MirrorFetchOptions = {
  /** Bytes of the mirror. @default REPOSITORY_LIMITS.repositoryBytesMax */
  readonly bytesMax?: number | undefined;
  /** Milliseconds of one fetch. @default REPOSITORY_LIMITS.fetchMs */
  readonly limitMs?: number;
};

/**
 * Bring a mirror up to date, or make it. Call it with the mirror's lock held. One that is
 * broken, as a killed fetch can leave it, or has grown over its limit, is made anew once. Throws
 * a PermanentError where the repository is not there or is more than the limits allow, a
 * RetryableError where it could not be reached.
 */
export async function fetchMirror(
  mirror: Mirror,
  signal: AbortSignal,
  limits: MirrorFetchOptions = {},
): Promise<void> {
  const options = { ...limits, signal };
  const startedAt = Date.now();
  // A folder without any fetch that ended is what a killed one has left, with its locks.
  const isNew = !existsSync(mirror.gitDir);
  try {
    await fetchAll(mirror, options);
  } catch (error) {
    const known = remoteErrorFrom(error, mirror.repo);
    if (known !== null) throw known;
    const isTooLarge = error instanceof TooLargeError;
    if (isTooLarge) await rm(mirror.gitDir, { recursive: true, force: true });
    if (signal.aborted || isNew || error instanceof RetryableError) throw error;
    if (error instanceof PermanentError && !isTooLarge) throw error;
    await makeAnew(mirror, options);
  }
  await noteRefreshed(mirror.gitDir, startedAt);
  await tidyUp(mirror, signal);
}

type Options = MirrorFetchOptions & { readonly signal: AbortSignal };

async function makeAnew(mirror: Mirror, options: Options): Promise<void> {
  await rm(mirror.gitDir, { recursive: true, force: true });
  try {
    await fetchAll(mirror, options);
  } catch (error) {
    if (error instanceof TooLargeError) await rm(mirror.gitDir, { recursive: true, force: true });
    throw remoteErrorFrom(error, mirror.repo) ?? error;
  }
}

/**
 * Try to get a commit that no branch or tag leads to. Resolves also where the remote does not
 * have it; throws a RetryableError where it could not be reached, or took too long, a
 * PermanentError where it is more than the limits allow.
 */
export async function fetchCommit(
  mirror: Mirror,
  sha: string,
  signal: AbortSignal,
  limits: MirrorFetchOptions = {},
): Promise<void> {
  const refspec = `+${sha}:${KEPT}/${sha}`;
  try {
    await fetch(mirror, ["fetch", ...FETCH_FLAGS, "--", mirror.remote.url, refspec], {
      ...limits,
      signal,
    });
  } catch (error) {
    if (error instanceof RetryableError || error instanceof PermanentError) throw error;
    const known = remoteErrorFrom(error, mirror.repo);
    // The server says that it does not have it, or gives nothing but branches and tags.
    if (signal.aborted || (known !== null && !NOT_THERE.test(String(error)))) {
      throw known ?? error;
    }
  }
}

const NOT_THERE = /not our ref|unadvertised object|remote error|couldn't find remote ref/i;

const FETCH_FLAGS = [
  "--quiet",
  "--force",
  "--no-tags",
  "--no-auto-maintenance",
  "--no-write-fetch-head",
  "--no-recurse-submodules",
];

async function fetchAll(mirror: Mirror, options: Options): Promise<void> {
  const { gitDir, remote } = mirror;
  const { signal } = options;
  await mkdir(dirname(gitDir), { recursive: true, mode: 0o700 });
  await git(gitDir, ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], {
    signal,
  });
  const patterns = ["HEAD", "refs/heads/*", "refs/tags/*"];
  const args = ["ls-remote", "--symref", "--", remote.url, ...patterns] as const;
  const asked = await speak(mirror, args, options);
  const told = asked.stdout.toString("utf8");
  requireFewRefs(mirror, told);
  await refuseEmpty(mirror, told, signal);
  await fetch(mirror, ["fetch", "-p", ...FETCH_FLAGS, "--", remote.url, ...REFSPECS], options);
  await setHead(mirror, told, signal);
}

/** The repository has more bytes or refs than a mirror may have. */
class TooLargeError extends PermanentError {}

function requireFewRefs({ repo }: Mirror, told: string): void {
  const { refsMax } = REPOSITORY_LIMITS;
  let count = 0;
  for (let end = told.indexOf("\n"); end !== -1; end = told.indexOf("\n", end + 1)) {
    // Tags are told a second time by what they lead to.
    if (!told.endsWith("^{}", end)) count++;
  }
  if (count <= refsMax) return;
  throw new TooLargeError(`${repo} has more than ${refsMax} branches and tags`);
}

/**
 * A repository that had branches and tells none is more likely a host in trouble, or a page
 * that asks for a login: what the mirror has is not given up for that.
 */
async function refuseEmpty({ gitDir, repo }: Mirror, told: string, signal: AbortSignal) {
  if (/\tHEAD$/m.test(told)) return;
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

/** A fetch is ended once it has brought too much, whatever the remote said before. */
async function fetch(mirror: Mirror, args: readonly [string, ...string[]], options: Options) {
  const { gitDir, repo } = mirror;
  const { bytesMax = REPOSITORY_LIMITS.repositoryBytesMax, signal } = options;
  const filesMax = REPOSITORY_LIMITS.refsMax + REPOSITORY_LIMITS.mirrorFilesMax;
  const tooMuch = () =>
    new TooLargeError(
      `${repo} has more than ${bytesMax} bytes, or than ${filesMax} refs and files; ` +
        "hint: MAX_REPO_BYTES is the limit of bytes",
    );
  await removeLeft(gitDir);
  try {
    await withFolderLimits(gitDir, { bytesMax, filesMax }, { signal, tooMuch }, (watched) =>
      speak(mirror, args, { ...options, signal: watched, bytesMax }),
    );
  } finally {
    await removeLeft(gitDir);
  }
}

/** Packs that a fetch which was ended has begun; git itself keeps them for weeks. */
async function removeLeft(gitDir: string): Promise<void> {
  const folder = join(gitDir, "objects", "pack");
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => /^\.?tmp[-_]/.test(one))) {
    await rm(join(folder, name), { force: true });
  }
}

async function speak(
  { gitDir, remote }: Mirror,
  args: readonly [string, ...string[]],
  { signal, bytesMax, limitMs = REPOSITORY_LIMITS.fetchMs }: Options,
) {
  const { protocols, config } = remote;
  const fileBytesMax = bytesMax ?? REPOSITORY_LIMITS.repositoryBytesMax;
  return await git(gitDir, args, { signal, protocols, config, limitMs, fileBytesMax });
}

/** Put many packs together. A mirror that could not be tidied up is as good as before. */
async function tidyUp({ gitDir }: Mirror, signal: AbortSignal): Promise<void> {
  await git(gitDir, ["gc", "--auto", "--quiet"], { signal }).catch(() => signal.throwIfAborted());
  await removeLeft(gitDir);
}

type FolderLimits = { readonly bytesMax: number; readonly filesMax: number };

/** Milliseconds between two looks. */
const LOOK_MS = 250;

/**
 * Do work that fills a folder, and end it once the folder is beyond its limits: its signal
 * aborts with `tooMuch()` then, and so it rejects.
 */
async function withFolderLimits<Result>(
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

import { stat } from "node:fs/promises";
import { PermanentError, type RepositoryConfig } from "../../../index.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";
import { openMirror } from "./open-mirror.ts";
import type { RepositoryReference } from "./remote.ts";

/** A change by the names of its commits. */
type RangeRequest = {
  readonly source: RepositoryReference;
  /** The commit that the event tells of. */
  readonly headSha: string;
  /** Null: the first parent of the head. */
  readonly baseSha: string | null;
};

/** Two commits in the mirror that has them. */
export type CommitRange = {
  readonly mirror: Mirror;
  /** The empty tree where the head is a first commit. */
  readonly base: string;
  readonly head: string;
  /** Whether there is no commit before. */
  readonly isFirst: boolean;
};

/**
 * Bring the source's mirror up to date as far as two commits need it, and find their full ids.
 * Throws a PermanentError for a repository or a commit that is not there, a RetryableError
 * for a repository that cannot be reached, the signal's reason when that aborts.
 */
export async function resolveRange(
  { source, headSha, baseSha }: RangeRequest,
  config: RepositoryConfig,
  signal: AbortSignal,
): Promise<CommitRange> {
  const commits = [headSha, ...(baseSha === null ? [] : [baseSha])];
  const mirror = await openMirror(source, config, { signal, commits });
  const head = await resolveCommit(mirror, headSha, signal);
  if (baseSha !== null) {
    const base = await resolveCommit(mirror, baseSha, signal);
    return { mirror, base, head, isFirst: false };
  }
  const base = await firstParentOf(mirror, head, signal);
  return { mirror, base, head, isFirst: base === (await emptyTree(mirror, signal)) };
}

/** Throws a PermanentError where the folder that a relationship names for a repository is none. */
export async function requireFolder(path: string, repo: string): Promise<void> {
  if (await isFolder(path)) return;
  throw new PermanentError(
    `expected the folder of ${repo} at ${path}, got none; ` +
      "hint: correct relationship_config.path, or leave it out to read the repository",
  );
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/**
 * The mirror of a relationship's target and the commit of its default branch. Throws as
 * openMirror does; a PermanentError says where the target, by its role, is looked for.
 */
export async function openTarget(
  place: RepositoryReference,
  role: "consumer" | "derivative",
  { repositories, signal }: { repositories: RepositoryConfig; signal: AbortSignal },
): Promise<{ mirror: Mirror; commit: string }> {
  const mirror = await openMirror(place, repositories, { signal }).catch((err: unknown) => {
    throw err instanceof PermanentError
      ? new PermanentError(
          `${err.message}; hint: the ${role} is read from relationship_config.path or ` +
            "target_clone_url, else below GITHUB_CLONE_BASE",
          { cause: err },
        )
      : err;
  });
  return { mirror, commit: await resolveCommit(mirror, null, signal) };
}

/** What git calls a commit without any doubt: 7 to 64 hexadecimal digits. */
const SHA = /^[0-9a-f]{7,64}$/i;
/** A branch or tag, without anything that rev-parse would understand as more than a name. */
const NAME = /^[^\p{Cc} ~^:?*[\\]+$/u;
/** Characters of it. */
const NAME_MAX = 250;

/** Whether a commit's name could be one of git's: payload mode takes any. */
export function isGitSha(sha: string): boolean {
  return SHA.test(sha);
}

/**
 * The full id of a commit: of a sha, of a branch or tag, or of the default branch (null).
 * Throws a PermanentError where the mirror has no such commit.
 */
export async function resolveCommit(
  mirror: Mirror,
  revision: string | null,
  signal: AbortSignal,
): Promise<string> {
  for (const candidate of candidates(revision)) {
    const found = await revParse(mirror, `${candidate}^{commit}`, signal);
    if (found !== null) return found;
  }
  throw new PermanentError(
    revision === null
      ? `${mirror.repo} has no commit on its default branch`
      : `${mirror.repo} has no commit ${JSON.stringify(revision.slice(0, 250))}`,
  );
}

/** The first parent; the empty tree for a commit without any. */
export async function firstParentOf(
  mirror: Mirror,
  commit: string,
  signal: AbortSignal,
): Promise<string> {
  const parent = await revParse(mirror, `${commit}^1`, signal);
  return parent ?? (await emptyTree(mirror, signal));
}

/** The id of a tree without any file, by the mirror's own kind of hash. */
async function emptyTree({ gitDir }: Mirror, signal: AbortSignal): Promise<string> {
  const { stdout } = await git(gitDir, ["hash-object", "-t", "tree", "--stdin"], { signal });
  return stdout.toString("utf8").trim();
}

function candidates(revision: string | null): string[] {
  if (revision === null) return ["HEAD"];
  const names = isName(revision) ? [`refs/heads/${revision}`, `refs/tags/${revision}`] : [];
  return isGitSha(revision) ? [revision.toLowerCase(), ...names] : names;
}

function isName(revision: string): boolean {
  return (
    revision.length <= NAME_MAX &&
    NAME.test(revision) &&
    !/^[-./]|\.\.|\/\/|@\{|\.lock$/.test(revision)
  );
}

async function revParse(
  { gitDir }: Mirror,
  expression: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", expression] as const;
  const { stdout, exitCode } = await git(gitDir, args, { signal, exitCodes: [0, 1] });
  return exitCode === 0 ? stdout.toString("utf8").trim() : null;
}

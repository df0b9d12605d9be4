import { PermanentError } from "../../outcome.ts";
import { git } from "./git.ts";
import type { Mirror } from "./mirror-folder.ts";

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
export async function emptyTree({ gitDir }: Mirror, signal: AbortSignal): Promise<string> {
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

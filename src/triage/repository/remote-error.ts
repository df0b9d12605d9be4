import { PermanentError, RetryableError } from "../../outcome.ts";
import { GitError } from "./git.ts";

/** Milliseconds until a host that limits requests is asked again. */
const RATE_LIMIT_MS = 60_000;

/** Nothing to be had there, however often one asks. */
const GONE =
  /Repository not found|returned error: (?:404|410)|does not appear to be a git repository/i;
const DUBIOUS = /detected dubious ownership/;
const REFUSED =
  /returned error: 401|Authentication failed|could not read Username|could not read Password|Permission denied/i;
const LIMITED = /returned error: 429/;
const AWAY =
  /returned error: \d{3}|Could not resolve host|Could not connect|Failed to connect|Connection (?:refused|reset|timed out|closed)|Operation t(?:imed out|oo slow)|early EOF|the remote end hung up|RPC failed|unable to access|No space left on device|Could not read from remote repository/i;

/**
 * What a failed fetch means: PermanentError where the repository is not there,
 * RetryableError where it could not be reached. Null for an error that may be the mirror's.
 */
export function remoteErrorFrom(error: unknown, repo: string): Error | null {
  if (!(error instanceof GitError)) return null;
  const { stderr } = error;
  if (DUBIOUS.test(stderr)) {
    return new PermanentError(
      `cannot read ${repo}: its folder belongs to another user; ` +
        "hint: run the worker as that user, or serve the repository over ssh or https",
    );
  }
  if (isGone(stderr)) {
    return new PermanentError(`there is no repository ${repo}: ${lastLine(stderr)}`);
  }
  if (REFUSED.test(stderr)) {
    return new RetryableError(
      `${repo} was refused: ${lastLine(stderr)}; ` +
        "hint: it is private, or does not exist; GITHUB_TOKEN must be able to read it",
      { cause: error },
    );
  }
  if (LIMITED.test(stderr)) {
    return new RetryableError(`${repo} cannot be read now: ${lastLine(stderr)}`, {
      retryAfterMs: RATE_LIMIT_MS,
      cause: error,
    });
  }
  return AWAY.test(stderr)
    ? new RetryableError(`${repo} cannot be reached: ${lastLine(stderr)}`, { cause: error })
    : null;
}

function has(line: string, first: string, last: string): boolean {
  const start = line.indexOf(first);
  return start !== -1 && line.includes(last, start + first.length);
}

/** The host names the repository between these words, or says something of its own. */
function isGone(stderr: string): boolean {
  return (
    GONE.test(stderr) ||
    stderr
      .toLowerCase()
      .split("\n")
      .some(
        (line) =>
          has(line, "repository '", "' not found") || has(line, "remote error: ", "not found"),
      )
  );
}

/** What git complains of; behind it come general words about access rights. */
function lastLine(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const told = lines.find((line) => /^(?:fatal|error|remote|ssh):/.test(line));
  return (told ?? lines.find((line) => line !== "") ?? "no message").slice(0, 500);
}

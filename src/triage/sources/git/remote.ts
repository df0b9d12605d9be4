import { promises as dns, type LookupAddress } from "node:dns";
import { isIP } from "node:net";
import {
  isPrivateAddress,
  PermanentError,
  type RepositoryConfig,
  RetryableError,
} from "../../../index.ts";
import { GitError } from "./git.ts";

/** A repository as events and relationships name it. */
export type RepositoryReference = {
  /** `owner/name`. */
  readonly repo: string;
  /** Where to clone it from; null: `repo` below GITHUB_CLONE_BASE. */
  readonly cloneUrl: string | null;
  /**
   * Whether the URL came with an event, which anybody may have sent, and was not registered
   * by an operator. It leads to public addresses alone then. @default false
   */
  readonly isFromEvent?: boolean;
};

/** Where git gets a repository from. */
export type Remote = {
  /** Without user's password or token. */
  readonly url: string;
  readonly protocols: readonly string[];
  /** The header with the token, if it goes to this URL. */
  readonly config: ReadonlyMap<string, string>;
  /** Whether private and link-local addresses are out of bounds. */
  readonly isGuarded: boolean;
};

const REPO = /^\w[\w.-]*(?:\/\w[\w.-]*)+$/;
const SCP_LIKE = /^\w[\w.-]*@\w[\w.-]*:(?:\/?[\w~.-][\w~./-]*|\/)$/;
const URL_CHARACTERS_MAX = 2_000;

/**
 * The remote of a repository. Throws a PermanentError for a place that git shall not be
 * asked for: another protocol than https, ssh or file (http where GITHUB_CLONE_BASE has
 * it), a password in the URL, a name that is none. A URL of an event has to be https, or
 * below GITHUB_CLONE_BASE: ssh would offer the worker's keys, and file its disk.
 */
export function remoteOf(place: RepositoryReference, config: RepositoryConfig): Remote {
  const url = place.cloneUrl ?? `${config.cloneBase}/${checkedName(place.repo)}`;
  const isOurs = isBelow(config.cloneBase, url);
  const isGuarded = place.isFromEvent === true && place.cloneUrl !== null && !isOurs;
  const protocol = protocolOf(url, place.repo);
  if (isGuarded && protocol !== "https") {
    throw refused(
      place.repo,
      `an event may name https, not ${protocol}; ` +
        "hint: register where it is (triaged relationships add … --source-url URL)",
    );
  }
  if (protocol === "http" && !isOurs) {
    throw refused(place.repo, "http is only used below GITHUB_CLONE_BASE");
  }
  const isWeb = protocol === "https" || protocol === "http";
  const sendsToken = isWeb && isOurs && config.token !== null;
  return {
    url,
    // A server may say that a repository has moved, also from http to https.
    protocols: isWeb ? [...new Set([protocol, "https"])] : [protocol],
    config: new Map(sendsToken ? [[`http.${config.cloneBase}/.extraHeader`, header(config)]] : []),
    isGuarded: isGuarded && config.allowPrivate !== true,
  };
}

/** Whether a URL lies in a folder, also once the dots in its path are followed. */
function isBelow(base: string, url: string): boolean {
  return url.startsWith(`${base}/`) && !/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(url);
}

function checkedName(repo: string): string {
  if (REPO.test(repo) && !repo.includes("..")) return repo;
  throw refused(repo, "expected owner/name, or a clone URL beside it");
}

function protocolOf(url: string, repo: string): string {
  // Control characters and blanks belong into no URL, and into no message.
  if (!/^[\x21-\x7e]+$/.test(url) || url.length > URL_CHARACTERS_MAX) {
    throw refused(repo, "its clone URL is not one line of printable ASCII");
  }
  if (SCP_LIKE.test(url)) return "ssh";
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const protocol = parsed?.protocol.slice(0, -1) ?? "";
  if (parsed === null || !["https", "http", "ssh", "file"].includes(protocol)) {
    throw refused(repo, "expected its clone URL to be https, ssh or file://");
  }
  if (parsed.password !== "" || (protocol !== "ssh" && parsed.username !== "")) {
    throw refused(repo, "its clone URL holds credentials; give GITHUB_TOKEN instead");
  }
  if (/^-|\.$/.test(parsed.hostname) || (protocol === "file" && parsed.hostname !== "")) {
    throw refused(repo, "its clone URL names a host that cannot be");
  }
  return protocol;
}

function header({ token }: RepositoryConfig): string {
  const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
  return `Authorization: Basic ${credentials}`;
}

function refused(repo: string, why: string): PermanentError {
  return new PermanentError(`cannot clone ${JSON.stringify(repo.slice(0, 200))}: ${why}`);
}

type CloneUrls = {
  /** What an operator has registered. It wins. */
  readonly registered: string | null | undefined;
  /** What the producer of an event says. */
  readonly told: string | null | undefined;
};

/** Where to get the repository that changed; without any URL it is below GITHUB_CLONE_BASE. */
export function sourceRepository(
  repo: string,
  { registered, told }: CloneUrls,
): RepositoryReference {
  return registered == null && told != null
    ? { repo, cloneUrl: told, isFromEvent: true }
    : { repo, cloneUrl: registered ?? null };
}

/** Resolves a name to all of its addresses. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * The remote, where it is guarded, with public addresses for git to connect to, and to no
 * others: a second answer of the name server changes nothing, and no redirect is followed.
 * Through a proxy of the worker's environment the proxy resolves the name by itself.
 *
 * Throws a PermanentError for a private address, a RetryableError for a name without any.
 */
export async function toPublicAddress(
  remote: Remote,
  repo: string,
  resolve: Resolve = (hostname) => dns.lookup(hostname, { all: true }),
): Promise<Remote> {
  if (!remote.isGuarded) return remote;
  const { hostname, port } = new URL(remote.url);
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  const isLiteral = isIP(literal) !== 0;
  const addresses = isLiteral ? [literal] : await addressesOf(hostname, repo, resolve);
  if (addresses.some(isPrivateAddress)) {
    throw new PermanentError(
      `cannot clone ${JSON.stringify(repo.slice(0, 200))}: its event names ${hostname}, which is ` +
        "a private address; hint: register where it is (triaged relationships add … " +
        "--source-url URL), or set ALLOW_PRIVATE_WEBHOOKS=true",
    );
  }
  const config = new Map([...remote.config, ["http.followRedirects", "false"]]);
  if (!isLiteral) {
    const bracketed = addresses.map((one) => (one.includes(":") ? `[${one}]` : one));
    config.set("http.curloptResolve", `${hostname}:${port || "443"}:${bracketed.join(",")}`);
  }
  return { ...remote, config };
}

async function addressesOf(hostname: string, repo: string, resolve: Resolve): Promise<string[]> {
  try {
    return (await resolve(hostname)).map(({ address }) => address);
  } catch (error) {
    throw new RetryableError(`${repo} cannot be reached: ${hostname} has no address`, {
      cause: error,
    });
  }
}

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

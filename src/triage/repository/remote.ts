import type { RepositoryConfig } from "../../config.ts";
import { PermanentError } from "../../outcome.ts";

/** A repository as events and relationships name it. */
export type RepositoryPlace = {
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
  /** Whether private and link-local addresses are out of bounds: see public-remote.ts. */
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
export function remoteOf(place: RepositoryPlace, config: RepositoryConfig): Remote {
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

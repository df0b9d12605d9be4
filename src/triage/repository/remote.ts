import type { RepositoryConfig } from "../../config.ts";
import { PermanentError } from "../../outcome.ts";

/** A repository as events and relationships name it. */
export type RepositoryPlace = {
  /** `owner/name`. */
  readonly repo: string;
  /** Where to clone it from; null: `repo` below GITHUB_CLONE_BASE. */
  readonly cloneUrl: string | null;
};

/** Where git gets a repository from. */
export type Remote = {
  /** Without user's password or token. */
  readonly url: string;
  readonly protocols: readonly string[];
  /** The header with the token, if it goes to this URL. */
  readonly config: ReadonlyMap<string, string>;
};

const REPO = /^(?!.*\.\.)\w[\w.-]*(?:\/\w[\w.-]*)+$/;
const SCP_LIKE = /^\w[\w.-]*@\w[\w.-]*:(?!\/\/)[\w~./-]+$/;
const URL_CHARACTERS_MAX = 2_000;

/**
 * The remote of a repository. Throws a PermanentError for a place that git shall not be
 * asked for: another protocol than https, ssh or file (http where GITHUB_CLONE_BASE has
 * it), a password in the URL, a name that is none.
 */
export function remoteOf(place: RepositoryPlace, config: RepositoryConfig): Remote {
  const url = place.cloneUrl ?? `${config.cloneBase}/${checkedName(place.repo)}`;
  const isOurs = url.startsWith(`${config.cloneBase}/`);
  const protocol = protocolOf(url, place.repo);
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
  };
}

function checkedName(repo: string): string {
  if (REPO.test(repo)) return repo;
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
  if (parsed.hostname.startsWith("-") || (protocol === "file" && parsed.hostname !== "")) {
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

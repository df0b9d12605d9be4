// The page of a commit, where the host of its repository is known for having one. A wall: pure,
// with tests of its own.

/** What stands between a repository and a commit, by the host. */
const HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:www\.)?github\.com$/, "commit"],
  [/^gitlab\.(?:com$|.)/, "-/commit"],
  [/^bitbucket\.org$/, "commits"],
  [/^codeberg\.org$/, "commit"],
];

type Commit = {
  /** `owner/name`. */
  readonly repo: string;
  readonly sha: string;
  /** Where the operator has registered the repository; null: below `cloneBase`. */
  readonly cloneUrl: string | null;
  /** GITHUB_CLONE_BASE: GitHub, or an enterprise's own. */
  readonly cloneBase: string;
};

/**
 * Where people see a commit; null where nobody knows, as of a folder, of a host of other software,
 * or of what is no commit of git. No part of it can be more than a part of an address.
 */
export function commitUrl({ repo, sha, cloneUrl, cloneBase }: Commit): string | null {
  const url = cloneUrl ?? `${cloneBase}/${repo}`;
  const page = placeOf(url);
  // Dots would lead to another repository.
  if (page === null || url.includes("/..") || !/^[0-9a-f]{7,64}$/i.test(sha)) return null;
  const { host, path } = page;
  const kind =
    host === placeOf(`${cloneBase}/${repo}`)?.host
      ? "commit"
      : HOSTS.find(([pattern]) => pattern.test(host))?.[1];
  return kind === undefined ? null : `https://${host}/${path}/${kind}/${sha}`;
}

/** `https://host/owner/name.git`, `ssh://git@host/owner/name`, `git@host:owner/name`. */
function placeOf(url: string): { readonly host: string; readonly path: string } | null {
  const colon = url.indexOf(":");
  const isScp = /^[\w.-]+@[\w.-]+$/.test(url.slice(0, colon));
  const spelled = isScp ? `ssh://${url.slice(0, colon)}/${url.slice(colon + 1)}` : url;
  const parsed = URL.canParse(spelled) ? new URL(spelled) : null;
  if (parsed === null || !["https:", "ssh:"].includes(parsed.protocol)) return null;
  if (parsed.protocol === "https:" && parsed.port !== "") return null;
  const path = parsed.pathname
    .replace(/^\/+/, "")
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  return /^[\w.-]+(?:\/[\w.-]+)+$/.test(path) ? { host: parsed.hostname, path } : null;
}

import { expect, test } from "vitest";
import { commitUrl } from "../../../../src/triage/effects/commit-url.ts";

const SHA = "0123456789abcdef0123456789abcdef01234567";
const GITHUB = "https://github.com";

function pageOf(cloneUrl: string | null, given: object = {}): string | null {
  return commitUrl({ repo: "acme/api", sha: SHA, cloneUrl, cloneBase: GITHUB, ...given });
}

test.for([
  [null, `https://github.com/acme/api/commit/${SHA}`],
  ["https://github.com/acme/api.git", `https://github.com/acme/api/commit/${SHA}`],
  ["git@github.com:acme/api.git", `https://github.com/acme/api/commit/${SHA}`],
  ["ssh://git@gitlab.com/acme/team/api.git", `https://gitlab.com/acme/team/api/-/commit/${SHA}`],
  ["https://gitlab.acme.dev/a/b", `https://gitlab.acme.dev/a/b/-/commit/${SHA}`],
  ["https://bitbucket.org/a/b", `https://bitbucket.org/a/b/commits/${SHA}`],
] as const)("a commit of %s has the page %s", ([cloneUrl, page]) => {
  expect(pageOf(cloneUrl)).toBe(page);
});

test.for([
  "file:///srv/git/api",
  "/srv/git/api",
  "https://git.acme.dev/acme/api",
  "http://github.com/acme/api",
  "https://github.com:8443/acme/api",
  "https://github.com",
  "https://github.com/acme/api(x)",
  "https://github.com/acme/a b",
])("a commit of %s has none", (cloneUrl) => {
  expect(pageOf(cloneUrl)).toBeNull();
});

test("an enterprise's own GitHub has pages, and what is no commit has none", () => {
  const cloneBase = "https://git.acme.dev";
  expect(pageOf(null, { cloneBase })).toBe(`https://git.acme.dev/acme/api/commit/${SHA}`);
  expect(pageOf(null, { cloneBase: "file:///srv/git" })).toBeNull();
  for (const sha of ["main", "0123456/..", "0123456)", ""])
    expect(pageOf(null, { sha })).toBeNull();
  for (const repo of ["../evil/x", "a b/c", "acme"]) expect(pageOf(null, { repo })).toBeNull();
});

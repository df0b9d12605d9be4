// Opens the mirror of a repository in a cache, as many times as given, and prints the commit
// of its default branch each time: one of several processes that share the cache.

import { openMirror } from "../../src/triage/sources/git/open-mirror.ts";
import { resolveCommit } from "../../src/triage/sources/git/resolve-commit.ts";

const [cacheFolder, url, times] = process.argv.slice(2);
if (cacheFolder === undefined || url === undefined) {
  throw new Error("expected a cache and a URL");
}
const { signal } = new AbortController();
const config = { cacheFolder, cloneBase: "https://github.com", token: null };
for (let time = 0; time < Number(times); time++) {
  const mirror = await openMirror({ repo: "acme/provider", cloneUrl: url }, config, { signal });
  process.stdout.write(`${await resolveCommit(mirror, null, signal)}\n`);
}

// Opens the mirror of a repository over http, and so runs git, until it is killed.

import { openMirror } from "../../src/triage/sources/git/open-mirror.ts";

const [cacheFolder, cloneBase] = process.argv.slice(2);
if (cacheFolder === undefined || cloneBase === undefined) {
  throw new Error("expected a cache and a URL");
}
const { signal } = new AbortController();
await openMirror(
  { repo: "acme/provider", cloneUrl: null },
  { cacheFolder, cloneBase, token: null },
  {
    signal,
  },
);

// Unpacks a tarball in a process that may open few files, or has opened all that it may, and
// prints what comes of it.

import { openSync } from "node:fs";
import { fetchPackage } from "../../src/triage/sources/npm/fetch-package.ts";

const [cacheFolder, tarball, isFull] = process.argv.slice(2);
if (cacheFolder === undefined || tarball === undefined) {
  throw new Error("expected a cache and a tarball");
}
const config = { cacheFolder, cloneBase: "https://github.com", token: null };
const { signal } = new AbortController();
const source = { name: "provider", version: "1.0.0", tarball };
// What is loaded at the first use needs files as well.
await fetchPackage({ ...source, tarball: "/nowhere.tgz" }, config, {
  workingDirectory: cacheFolder,
  signal,
}).catch(() => {});
if (isFull === "full") {
  try {
    for (;;) openSync("/dev/null", "r");
  } catch {
    // That was the last one.
  }
}
try {
  await using tree = await fetchPackage(source, config, { workingDirectory: cacheFolder, signal });
  process.stdout.write(JSON.stringify({ capsHit: tree.capsHit }));
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  process.stdout.write(JSON.stringify({ name, message }));
}

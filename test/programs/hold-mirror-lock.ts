// Takes the lock of the mirror given, says so on stdout, and stays: a process that tests can
// kill while it holds the lock.

import { setTimeout as delay } from "node:timers/promises";
import { withMirrorLock } from "../../src/triage/sources/git/open-mirror.ts";

const [gitDir] = process.argv.slice(2);
if (gitDir === undefined) {
  throw new Error("expected a mirror");
}
const { signal } = new AbortController();
await withMirrorLock(gitDir, { signal }, async () => {
  process.stdout.write("locked\n");
  await delay(2 ** 31 - 1);
});

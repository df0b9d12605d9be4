/** What a test takes of the machine, and gives back. */

import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that every user may pass through, and how to remove it. */
export async function makeTemporaryFolder(): Promise<{
  path: string;
  remove: () => Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), "triaged-test-"));
  await chmod(path, 0o755);
  return {
    path,
    // A git of a worker that was killed may write for a moment longer.
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** A fixture: a folder that goes with the test. */
export async function lendFolder({}, use: (folder: string) => Promise<void>): Promise<void> {
  const { path, remove } = await makeTemporaryFolder();
  await use(path);
  await remove();
}

/** Below those that the system gives to outgoing connections, which must not take it. */
const PORT_MIN = 18_000;
const PORT_MAX = 30_000;

/** A port that stays free while whoever listens on it restarts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (free) {
      server.close();
      await once(server, "close");
      return port;
    }
  }
}

import { chmod, mkdtemp, rm } from "node:fs/promises";
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

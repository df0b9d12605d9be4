import { stat } from "node:fs/promises";
import type { RepositoryConfig } from "../../config.ts";
import { PermanentError } from "../../outcome.ts";
import type { Mirror } from "./mirror-folder.ts";
import { openMirror } from "./open-mirror.ts";
import type { RepositoryPlace } from "./remote.ts";
import { resolveCommit } from "./resolve-commit.ts";

/** Throws a PermanentError where the folder that a relationship names for a repository is none. */
export async function requireFolder(path: string, repo: string): Promise<void> {
  if (await isFolder(path)) return;
  throw new PermanentError(
    `expected the folder of ${repo} at ${path}, got none; ` +
      "hint: correct relationship_config.path, or leave it out to read the repository",
  );
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/**
 * The mirror of a relationship's target and the commit of its default branch. Throws as
 * openMirror does; a PermanentError says where the target, by its role, is looked for.
 */
export async function openTarget(
  place: RepositoryPlace,
  role: "consumer" | "derivative",
  { repositories, signal }: { repositories: RepositoryConfig; signal: AbortSignal },
): Promise<{ mirror: Mirror; commit: string }> {
  const mirror = await openMirror(place, repositories, { signal }).catch((err: unknown) => {
    throw err instanceof PermanentError
      ? new PermanentError(
          `${err.message}; hint: the ${role} is read from relationship_config.path or ` +
            "target_clone_url, else below GITHUB_CLONE_BASE",
          { cause: err },
        )
      : err;
  });
  return { mirror, commit: await resolveCommit(mirror, null, signal) };
}

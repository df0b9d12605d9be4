import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../has-code.ts";
import { sha256 } from "../../sha256.ts";
import type { Remote } from "./remote.ts";

/** A bare repository that mirrors another one. It stays usable for an hour from its opening. */
export type Mirror = {
  /** `owner/name`, for messages. */
  readonly repo: string;
  readonly gitDir: string;
  readonly remote: Remote;
};

export function mirrorsFolder(cacheFolder: string): string {
  return join(cacheFolder, "mirrors");
}

/** The folder of a URL's mirror: a name for people, and a hash that tells two URLs apart. */
export function mirrorOf(repo: string, remote: Remote, cacheFolder: string): Mirror {
  const name = repo.replaceAll(/[^\w.-]+/g, "-").slice(0, 80);
  const hash = sha256(remote.url).slice(0, 16);
  return { repo, gitDir: join(mirrorsFolder(cacheFolder), `${name}-${hash}.git`), remote };
}

/** Beside the mirror, so that it outlives it. */
export function lockPathOf(gitDir: string): string {
  return `${gitDir}.lock`;
}

/** When the last fetch that came to its end began, in ms since 1970; null without one. */
export async function refreshedAt(gitDir: string): Promise<number | null> {
  try {
    const at = Number(await readFile(join(gitDir, REFRESHED), "utf8"));
    return Number.isFinite(at) ? at : null;
  } catch (err) {
    if (hasCode(err, "ENOENT")) return null;
    throw err;
  }
}

export async function noteRefreshed(gitDir: string, startedAt: number): Promise<void> {
  await writeFile(join(gitDir, REFRESHED), String(startedAt));
}

/** Its time of modification is when the mirror was used last. */
export const REFRESHED = "triaged-refreshed";

/** Keep the mirror from being evicted for a while. */
export async function noteUsed(gitDir: string): Promise<void> {
  const now = new Date();
  await utimes(join(gitDir, REFRESHED), now, now);
}

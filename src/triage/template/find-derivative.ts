import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { RepositoryConfig } from "../../config.ts";
import { PermanentError } from "../../outcome.ts";
import type { Mirror } from "../repository/mirror-folder.ts";
import { openMirror } from "../repository/open-mirror.ts";
import { resolveCommit } from "../repository/resolve-commit.ts";
import type { TemplateTriagePayload } from "./payload.ts";

/** Where the derivative's files are. */
export type Derivative =
  | { readonly kind: "repository"; readonly mirror: Mirror; readonly commit: string }
  | { readonly kind: "folder"; readonly path: string };

export type Surroundings = {
  readonly repositories: RepositoryConfig;
  /** Relative paths of a payload start here. */
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
};

/**
 * Find the derivative: in the folder that the relationship names, else in its repository. Of a
 * folder that is a repository the commit of HEAD counts. Throws a PermanentError where it is
 * in neither, a RetryableError where git cannot reach it.
 */
export async function findDerivative(
  { target_repo: repo, relationship_config: config }: TemplateTriagePayload,
  { repositories, workingDirectory, signal }: Surroundings,
): Promise<Derivative> {
  // The folder is the derivative's, which is the source on the way back.
  const given = config.direction === "forward" ? config.path : undefined;
  const path = given === undefined ? null : resolve(workingDirectory, given);
  if (path !== null && !(await isFolder(path))) {
    throw new PermanentError(
      `expected the folder of ${repo} at ${path}, got none; ` +
        "hint: correct relationship_config.path, or leave it out to read the repository",
    );
  }
  if (path !== null && !(await isRepository(path))) return { kind: "folder", path };
  const cloneUrl = path === null ? (config.target_clone_url ?? null) : pathToFileURL(path).href;
  const mirror = await openMirror({ repo, cloneUrl }, repositories, { signal }).catch(withHint);
  return { kind: "repository", mirror, commit: await resolveCommit(mirror, null, signal) };
}

/** Whether the relationship says where the derivative is. */
export function saysWhere({ relationship_config }: TemplateTriagePayload): boolean {
  const { path, direction, target_clone_url } = relationship_config;
  return (path !== undefined && direction === "forward") || target_clone_url != null;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** A work tree, or a bare repository. */
async function isRepository(path: string): Promise<boolean> {
  if ((await stat(join(path, ".git")).catch(() => null)) !== null) return true;
  return (
    (await stat(join(path, "HEAD")).catch(() => null)) !== null && isFolder(join(path, "objects"))
  );
}

function withHint(err: unknown): never {
  throw err instanceof PermanentError
    ? new PermanentError(
        `${err.message}; hint: the derivative is read from relationship_config.path or ` +
          "target_clone_url, else below GITHUB_CLONE_BASE",
        { cause: err },
      )
    : err;
}

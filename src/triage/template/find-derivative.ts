import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Surroundings } from "../prepare/prepared.ts";
import type { Mirror } from "../repository/mirror-folder.ts";
import { isFolder, openTarget, requireFolder } from "../repository/open-target.ts";
import type { TemplateTriagePayload } from "./payload.ts";

/** Where the derivative's files are. */
export type Derivative =
  | { readonly kind: "repository"; readonly mirror: Mirror; readonly commit: string }
  | { readonly kind: "folder"; readonly path: string };

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
  if (path !== null) {
    await requireFolder(path, repo);
    if (!(await isRepository(path))) return { kind: "folder", path };
  }
  const cloneUrl = path === null ? (config.target_clone_url ?? null) : pathToFileURL(path).href;
  const target = await openTarget({ repo, cloneUrl }, "derivative", { repositories, signal });
  return { kind: "repository", ...target };
}

/** Whether the relationship says where the derivative is. */
export function saysWhere({ relationship_config }: TemplateTriagePayload): boolean {
  const { path, direction, target_clone_url } = relationship_config;
  return (path !== undefined && direction === "forward") || target_clone_url != null;
}

/** A work tree, or a bare repository. */
async function isRepository(path: string): Promise<boolean> {
  if ((await stat(join(path, ".git")).catch(() => null)) !== null) return true;
  return (
    (await stat(join(path, "HEAD")).catch(() => null)) !== null && isFolder(join(path, "objects"))
  );
}

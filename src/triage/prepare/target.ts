import { resolve } from "node:path";
import type { ConsumerTriagePayload } from "../payload.ts";
import { extractTree } from "../repository/extract-tree.ts";
import { openTarget, requireFolder } from "../repository/open-target.ts";
import type { Tree } from "../tree.ts";
import { folderSha } from "./folder-sha.ts";
import type { KeptUntilEnd, Surroundings } from "./prepared.ts";

/** The consumer, whose files are not read yet. */
export type Target = {
  /** Its commit, or the hash of its folder. */
  readonly sha: string;
  readonly open: () => Promise<Tree>;
};

type Options = Surroundings & { readonly kept: KeptUntilEnd };

/**
 * Find the consumer: in the folder that the relationship names, else in its repository. Throws
 * a PermanentError where it is in neither, a RetryableError where git cannot reach it.
 */
export async function findTarget(
  payload: ConsumerTriagePayload,
  options: Options,
): Promise<Target> {
  const { path } = payload.relationship_config;
  return path === undefined
    ? await repositoryTarget(payload, options)
    : await folderTarget(payload, resolve(options.workingDirectory, path), options);
}

/** Whether the relationship says where the consumer is. */
export function saysWhere({ relationship_config }: ConsumerTriagePayload): boolean {
  return relationship_config.path !== undefined || relationship_config.target_clone_url != null;
}

async function folderTarget(
  payload: ConsumerTriagePayload,
  path: string,
  { signal }: Options,
): Promise<Target> {
  await requireFolder(path, payload.target_repo);
  const sha = await folderSha(path, signal);
  return { sha, open: () => Promise.resolve({ path, revision: sha, capsHit: [] }) };
}

async function repositoryTarget(
  payload: ConsumerTriagePayload,
  { repositories, signal, kept }: Options,
): Promise<Target> {
  const { target_clone_url, interface_files: first } = payload.relationship_config;
  const place = { repo: payload.target_repo, cloneUrl: target_clone_url ?? null };
  const { mirror, commit } = await openTarget(place, "consumer", { repositories, signal });
  return {
    sha: commit,
    open: async () => kept.keep(await extractTree(mirror, commit, repositories, { signal, first })),
  };
}

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hasCode } from "../../index.ts";
import type { Tree } from "../facts/analysis.ts";
import { isNoise } from "../facts/file-kinds.ts";
import { LIMITS } from "../facts/limits.ts";
import { extractTree } from "../sources/git/extract-tree.ts";
import { openTarget, requireFolder } from "../sources/git/resolve-commit.ts";
import type { ConsumerTriagePayload } from "./consumer-payload.ts";
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
export function saysWhereConsumerIs({ relationship_config }: ConsumerTriagePayload): boolean {
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
  const location = { repo: payload.target_repo, cloneUrl: target_clone_url ?? null };
  const { mirror, commit } = await openTarget(location, "consumer", { repositories, signal });
  return {
    sha: commit,
    open: async () => kept.keep(await extractTree(mirror, commit, repositories, { signal, first })),
  };
}

/** Files that are read at a time. */
const READS = 32;
/** What npm, pnpm and Yarn note of what they have installed, of which the rest is left out. */
const INSTALLED = [
  ".package-lock.json",
  ".modules.yaml",
  ".pnpm/lock.yaml",
  ".yarn-integrity",
  ".yarn-state.yml",
].map((name) => `node_modules/${name}`);

/**
 * A name for the content of a folder: sha256 over paths and contents of its files, without
 * what is installed and without links. For a file that no analysis would read because of its
 * size, and for all beyond the limit of a tree, size and time of change stand for the content.
 */
export async function folderSha(root: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const paths = [...(await pathsIn(root, "", signal)), ...INSTALLED];
  let bytes = 0;
  for (let at = 0; at < paths.length; at += READS) {
    signal.throwIfAborted();
    const some = paths.slice(at, at + READS);
    const isFull = bytes > LIMITS.treeBytesMax;
    const contents = await Promise.all(some.map((path) => contentOf(join(root, path), isFull)));
    for (const [index, content] of contents.entries()) {
      if (content === null) continue;
      bytes += content.length;
      hash.update(`${some[index]}\0${content.length}\0`).update(content);
    }
  }
  return `sha256:${hash.digest("hex")}`;
}

/** Paths of files, relative and in a fixed order. */
async function pathsIn(root: string, folder: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(orNothing([]));
  const paths: string[] = [];
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) paths.push(path);
    if (entry.isDirectory() && !isNoise(`${path}/`)) {
      for (const inner of await pathsIn(root, path, signal)) paths.push(inner);
    }
  }
  return paths;
}

/** Null for what vanished meanwhile, or may not be read. */
async function contentOf(path: string, isFull: boolean): Promise<Buffer | null> {
  const found = await stat(path).catch(orNothing(null));
  if (found === null || !found.isFile()) return null;
  if (isFull || found.size > LIMITS.fileBytesMax) {
    return Buffer.from(`${found.size} ${found.mtimeMs}`);
  }
  return await readFile(path).catch(orNothing(null));
}

function orNothing<Nothing>(nothing: Nothing): (err: unknown) => Nothing {
  return (err) => {
    if (hasCode(err, "ENOENT", "ENOTDIR", "EACCES", "EPERM")) return nothing;
    throw err;
  };
}

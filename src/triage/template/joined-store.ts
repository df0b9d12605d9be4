import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PermanentError, type RepositoryConfig } from "../../index.ts";
import { REPOSITORY_LIMITS } from "../facts/limits.ts";
import { type GitOptions, type GitOutput, git } from "../sources/git/git.ts";
import { listTree, type TreeEntry } from "../sources/git/read-objects.ts";
import { makeScratchFolder } from "../sources/scratch-folder.ts";

/**
 * A bare repository of its own that sees the objects of several mirrors, so that commits of
 * two repositories can be held against each other. What git writes stays in it: the mirrors
 * are only read. Gone when it is disposed of.
 */
export type JoinedStore = AsyncDisposable & {
  /** Folder for files that git shall read. */
  readonly folder: string;
  readonly gitDir: string;
  readonly signal: AbortSignal;
  /** Run git in it, as git.ts does. */
  readonly run: (
    args: readonly [string, ...string[]],
    options?: Omit<GitOptions, "signal">,
  ) => Promise<GitOutput>;
  /** The same, for an answer of one line. */
  readonly line: (
    args: readonly [string, ...string[]],
    options?: Omit<GitOptions, "signal">,
  ) => Promise<string>;
};

export async function joinStores(
  gitDirs: readonly string[],
  config: RepositoryConfig,
  signal: AbortSignal,
): Promise<JoinedStore> {
  const scratch = await makeScratchFolder(config.cacheFolder);
  const gitDir = join(scratch.path, "joined.git");
  const run: JoinedStore["run"] = (args, options) => git(gitDir, args, { ...options, signal });
  try {
    await run(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]);
    await mkdir(join(gitDir, "objects", "info"), { recursive: true });
    const alternates = gitDirs.map((mirror) => `${join(mirror, "objects")}\n`).join("");
    await writeFile(join(gitDir, "objects", "info", "alternates"), alternates);
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
  return {
    folder: scratch.path,
    gitDir,
    signal,
    run,
    line: async (args, options) => (await run(args, options)).stdout.toString("utf8").trim(),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

/** What no repository keeps. */
const LEFT_OUT = ["node_modules", "__pycache__", ".venv"];

/**
 * The files of a folder as a tree in the store, without what its .gitignore names: what git
 * would commit. The folder is only read, and no filter of its attributes is run. Rejects where
 * a file cannot be read: what is not seen would count as missing.
 */
export async function folderTree(store: JoinedStore, path: string): Promise<string> {
  const environment = { GIT_INDEX_FILE: join(store.folder, "folder.index") };
  const excluded = LEFT_OUT.map((name) => `:(top,exclude,glob)**/${name}/**`);
  const args = ["add", "--all", "--", ":(top)", ...excluded];
  await store.run([`--work-tree=${path}`, ...args], { environment });
  return await store.line(["write-tree"], { environment });
}

/**
 * All that a commit or tree holds, by path. Throws a PermanentError where that is too much:
 * of a file that is not listed, nobody could say that it is missing.
 */
export async function treeListing(
  { gitDir, signal }: JoinedStore,
  revision: string,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const limits = REPOSITORY_LIMITS;
  const { entries, isCut, hasLongNames } = await listTree(gitDir, revision, { signal, limits });
  if (isCut || hasLongNames) {
    throw new PermanentError(
      `the tree of ${revision} is too large: it has more than ${limits.treeEntriesMax} files, ` +
        `or names of more than ${limits.listBytesMax} bytes`,
    );
  }
  return new Map(entries.map((entry) => [entry.path, entry]));
}

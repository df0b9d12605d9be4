import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RepositoryConfig } from "../../config.ts";
import { type GitOptions, type GitOutput, git } from "../repository/git.ts";
import { makeScratchFolder } from "../repository/scratch-folder.ts";

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

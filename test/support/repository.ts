import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { test as base, vi } from "vitest";
import type { RepositoryConfig } from "../../src/settings/analysis.ts";
import type { RepositoryReference } from "../../src/triage/sources/git/remote.ts";
import { lendFolder } from "./folders-and-ports.ts";

const run = promisify(execFile);

// Each test starts git dozens of times, which takes a second, and several on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** Commits have the same ids in each run. */
const ENVIRONMENT = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "protocol.file.allow",
  GIT_CONFIG_VALUE_0: "always",
  ...Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((who) => [
      [`GIT_${who}_NAME`, "Ada"],
      [`GIT_${who}_EMAIL`, "ada@example.org"],
      [`GIT_${who}_DATE`, "2026-01-02T03:04:05Z"],
    ]),
  ),
};

/** A repository that a test makes with git itself. */
export type Repository = {
  readonly path: string;
  readonly url: string;
  readonly place: RepositoryReference;
  readonly git: (...args: readonly string[]) => Promise<string>;
  /** Write (null: remove) files and commit everything; the commit's id. */
  readonly commit: (files: Files, message?: string) => Promise<string>;
  /** Feed `git fast-import`, for trees that no work tree shall hold. */
  readonly fastImport: (stream: string) => Promise<void>;
};
type Files = Readonly<Record<string, string | Buffer | null>>;

export async function makeRepository(path: string): Promise<Repository> {
  await mkdir(path, { recursive: true });
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run("git", ["-C", path, ...args], { env: ENVIRONMENT })).stdout.trim();
  await git("init", "--quiet", "--initial-branch=main");
  const url = pathToFileURL(path).href;
  return {
    path,
    url,
    place: { repo: "acme/provider", cloneUrl: url },
    git,
    commit: async (files, message = "Change files") => {
      for (const [name, content] of Object.entries(files)) {
        const file = join(path, name);
        await mkdir(dirname(file), { recursive: true });
        await (content === null ? rm(file) : writeFile(file, content));
      }
      await git("add", "--all");
      await git("commit", "--quiet", "--allow-empty", "-m", message);
      return await git("rev-parse", "HEAD");
    },
    fastImport: async (stream) => {
      const child = spawn("git", ["-C", path, "fast-import", "--quiet"], {
        env: ENVIRONMENT,
        stdio: ["pipe", "inherit", "inherit"],
      });
      child.stdin.end(stream);
      const [code] = await once(child, "exit");
      if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
    },
  };
}

/** The text of a file below a folder; null where there is none. */
export async function textIn(folder: string, path: string): Promise<string | null> {
  return await readFile(join(folder, path), "utf8").catch(() => null);
}

type Given = {
  readonly folder: string;
  readonly config: RepositoryConfig;
  readonly signal: AbortSignal;
  /** An empty repository; its folder goes with the test. */
  readonly repository: Repository;
};

/** A test with a cache of mirrors and a repository to mirror. */
export const test = base.extend<Given>({
  folder: lendFolder,
  config: async ({ folder }, use) => {
    await use({
      cacheFolder: join(folder, "cache"),
      cloneBase: pathToFileURL(join(folder, "hosted")).href,
      token: null,
    });
  },
  signal: async ({}, use) => {
    const controller = new AbortController();
    await use(controller.signal);
    controller.abort();
  },
  repository: async ({ folder }, use) => {
    await use(await makeRepository(join(folder, "hosted", "acme", "provider")));
  },
});

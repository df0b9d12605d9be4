// Repositories of git for a case of commits, made of the folders that it consists of: `before/`, what
// `after/` replaces or adds, and `consumer/` or `derivative/`.
import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { ServiceCase, TemplateCase } from "./case.ts";

const run = promisify(execFile);

type CommitCase = ServiceCase | TemplateCase;

/** A repository with a change. */
export type Source = {
  readonly url: string;
  readonly folder: string;
  readonly base: string;
  readonly head: string;
  readonly message: string;
};

/** The repository that changed, below a scratch folder. */
export async function changeOf(one: CommitCase, scratch: string): Promise<Source> {
  const { removed, message } = "service" in one ? one.service : one.template;
  const folder = await makeRepository(path.join(scratch, "source"));
  await copy(path.join(one.folder, "before"), folder);
  const base = await commitAll(folder, "feat: begin");
  await copy(path.join(one.folder, "after"), folder);
  for (const file of removed) await rm(path.join(folder, file));
  const head = await commitAll(folder, message);
  return { url: pathToFileURL(folder).href, folder, base, head, message };
}

/** The repository of who depends on it: a consumer of its own, a fork with history, or a copy. */
export async function dependentOf(
  one: CommitCase,
  source: Source,
  scratch: string,
): Promise<{ url: string }> {
  const folder = await makeRepository(path.join(scratch, "target"));
  if ("service" in one) {
    await copy(path.join(one.folder, "consumer"), folder);
  } else {
    if (one.template.history === "fork") {
      await git(folder, "pull", "--quiet", source.folder, "main");
      await git(folder, "reset", "--quiet", "--hard", source.base);
    } else {
      await copy(path.join(one.folder, "before"), folder);
      await commitAll(folder, "Begin as a copy");
    }
    await copy(path.join(one.folder, "derivative"), folder);
  }
  await commitAll(folder, "Make it our own");
  return { url: pathToFileURL(folder).href };
}

async function makeRepository(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await git(folder, "init", "--quiet", "--initial-branch=main");
  return folder;
}

/** A folder that is not there has no files. */
async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true }).catch((err: unknown) => {
    if (!(err instanceof Error && "code" in err && err.code === "ENOENT")) throw err;
  });
}

async function commitAll(folder: string, message: string): Promise<string> {
  await git(folder, "add", "--all");
  await git(folder, "commit", "--quiet", "--allow-empty", "-m", message);
  return await git(folder, "rev-parse", "HEAD");
}

/** Who commits, and when, is the same in each run, and so are the ids of commits. */
const ENVIRONMENT = {
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  ...Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((who) => [
      [`GIT_${who}_NAME`, "Ada"],
      [`GIT_${who}_EMAIL`, "ada@example.org"],
      [`GIT_${who}_DATE`, "2026-01-02T03:04:05Z"],
    ]),
  ),
};

async function git(folder: string, ...words: readonly string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], ...ENVIRONMENT };
  const { stdout } = await run("git", ["-C", folder, ...words], { env });
  return stdout.trim();
}

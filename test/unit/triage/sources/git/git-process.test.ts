// Goal: git ends with the process that runs it, and nobody else runs it.
// Method: a process that fetches from a host without end, and is killed; the sources.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, vi } from "vitest";
import {
  endlessBranches,
  groupsBelow,
  namesIn,
  serveHostile,
} from "../../../../support/hostile-git-server.ts";
import { test } from "../../../../support/repository.ts";

const PROGRAMS = join(import.meta.dirname, "..", "..", "..", "..", "programs");

test.skipIf(process.platform !== "linux")(
  "all that git started is gone after its worker was killed with SIGKILL",
  async ({ config }) => {
    await using server = await serveHostile({ refs: endlessBranches, everyMs: 20 });
    const script = join(PROGRAMS, "open-hostile-mirror.ts");
    const child = spawn(process.execPath, [script, config.cacheFolder, server.url], {
      stdio: "ignore",
    });
    const exited = once(child, "exit");
    const pid = child.pid ?? 0;
    const programs = async (): Promise<string[]> =>
      (await Promise.all((await groupsBelow(pid)).map(namesIn))).flat();
    await vi.waitUntil(async () => (await programs()).includes("git-remote-http"), {
      timeout: 20_000,
    });
    const groups = await groupsBelow(pid);

    child.kill("SIGKILL");
    await exited;

    await vi.waitUntil(async () => (await Promise.all(groups.map(namesIn))).flat().length === 0, {
      timeout: 10_000,
    });
  },
);

test("one file alone starts git, and those that start other programs are known", async () => {
  const root = join(import.meta.dirname, "..", "..", "..", "..", "..");
  const listed = await Promise.all(
    ["src", "tasks", "bin"].map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((name) => join(folder, name)),
    ),
  );
  const starting: string[] = [];
  for (const file of listed.flat().filter((name) => /\.[jt]s$/.test(name))) {
    const text = await readFile(join(root, file), "utf8");
    if (/child_process|process\.binding|@npmcli\/(?:git|run-script)/.test(text))
      starting.push(file);
  }
  expect(starting.toSorted()).toEqual([
    "bin/triaged.js",
    "src/backup/programs.ts",
    "src/cli/commands/psql.ts",
    "src/database/embedded/binaries.ts",
    "src/database/embedded/cluster.ts",
    "src/database/embedded/home.ts",
    "src/database/embedded/postmaster.ts",
    "src/supervisor/supervise.ts",
    "src/system/processes.ts",
    "src/triage/reading/own-process.ts",
    "src/triage/sources/git/git-process.ts",
  ]);
});

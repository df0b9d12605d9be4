// Goal: a mirror is what its remote is, whoever shares it and whatever broke it.
// Method: repositories over file://; processes of their own that share a cache or are killed.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { z } from "zod";
import { waitUntilGone } from "../../../../../src/system/processes.ts";
import { fetchCommit } from "../../../../../src/triage/sources/git/fetch-mirror.ts";
import { lockPathOf, mirrorOf } from "../../../../../src/triage/sources/git/mirror-folder.ts";
import { openMirror, withMirrorLock } from "../../../../../src/triage/sources/git/open-mirror.ts";
import { remoteOf } from "../../../../../src/triage/sources/git/remote.ts";
import { resolveCommit } from "../../../../../src/triage/sources/git/resolve-commit.ts";
import { test } from "../../../../support/repository.ts";

const run = promisify(execFile);
const PROGRAMS = join(import.meta.dirname, "..", "..", "..", "..", "programs");

test("HEAD of a mirror is the remote's default branch, also after it has changed", async ({
  repository,
  config,
  signal,
}) => {
  const first = await repository.commit({ a: "1" });
  await repository.git("branch", "other");
  const mirror = await openMirror(repository.place, config, { signal });
  expect(await resolveCommit(mirror, null, signal)).toBe(first);

  await repository.git("checkout", "--quiet", "other");
  const second = await repository.commit({ a: "2" });
  await openMirror(repository.place, config, { signal });

  expect(await resolveCommit(mirror, null, signal)).toBe(second);
  expect(await resolveCommit(mirror, "main", signal)).toBe(first);
});

test("a mirror follows a branch that was rewritten, and forgets one that is gone", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  await repository.git("branch", "feature");
  await repository.git("branch", "deep");
  const mirror = await openMirror(repository.place, config, { signal });

  await repository.git("branch", "-D", "feature", "deep");
  await repository.git("branch", "deep/er");
  await repository.git("commit", "--quiet", "--amend", "-m", "Rewritten");
  const head = await repository.git("rev-parse", "HEAD");
  await openMirror(repository.place, config, { signal });

  expect(await resolveCommit(mirror, "main", signal)).toBe(head);
  await expect(resolveCommit(mirror, "feature", signal)).rejects.toThrow(/has no commit "feature"/);
});

test("a repository that tells nothing any more does not empty its mirror", async ({
  repository,
  config,
  signal,
}) => {
  const head = await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  await rm(join(repository.path, ".git"), { recursive: true });
  await repository.git("init", "--quiet");

  await expect(openMirror(repository.place, config, { signal })).rejects.toMatchObject({
    name: "RetryableError",
    message: "acme/provider tells no default branch any more",
  });
  expect(await resolveCommit(mirror, null, signal)).toBe(head);
});

test("a mirror that has the commits asked for is not fetched", async ({
  repository,
  config,
  signal,
}) => {
  const sha = await repository.commit({ a: "1" });
  await openMirror(repository.place, config, { signal });
  await rm(repository.path, { recursive: true });

  const mirror = await openMirror(repository.place, config, { signal, commits: [sha] });

  expect(await resolveCommit(mirror, sha, signal)).toBe(sha);
  expect(await resolveCommit(mirror, sha.slice(0, 7), signal)).toBe(sha);
});

test("a commit that no branch leads to is fetched by its id", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  await repository.git("config", "uploadpack.allowAnySHA1InWant", "true");
  await repository.git("checkout", "--quiet", "--detach");
  const orphan = await repository.commit({ a: "2" });
  await repository.git("checkout", "--quiet", "main");

  const mirror = await openMirror(repository.place, config, { signal, commits: [orphan] });

  expect(await resolveCommit(mirror, orphan, signal)).toBe(orphan);
});

test.for([
  "a".repeat(40),
  "abc1234",
  "nonexistent",
  "HEAD~1",
  "--all",
  "main@{1}",
  ":/Change",
  "main^{tree}",
  "../main",
  "abc123def456ghi789jkl012mno345pqr678stu",
])("%s is a commit that is not there", async (revision, { repository, config, signal }) => {
  await repository.commit({ a: "1" });
  await repository.commit({ a: "2" });
  const mirror = await openMirror(repository.place, config, { signal, commits: [revision] });

  await expect(resolveCommit(mirror, revision, signal)).rejects.toMatchObject({
    name: "PermanentError",
    message: `acme/provider has no commit ${JSON.stringify(revision)}`,
  });
});

test("a repository without commits has none on its default branch", async ({
  repository,
  config,
  signal,
}) => {
  const mirror = await openMirror(repository.place, config, { signal });

  await expect(resolveCommit(mirror, null, signal)).rejects.toMatchObject({
    name: "PermanentError",
    message: "acme/provider has no commit on its default branch",
  });
});

test("a server that does not answer for a commit is no proof that there is none", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}/a/b`;
  const silent = { ...mirror, remote: { ...mirror.remote, url, protocols: ["http"] } };

  await expect(fetchCommit(silent, "a".repeat(40), signal, { limitMs: 300 })).rejects.toMatchObject(
    { name: "RetryableError" },
  );
  server.close();
});

test.for(["config.lock", "HEAD.lock", "refs/heads/main.lock"])(
  "a first fetch that was killed and left %s is not in the way of the next one",
  async (left, { repository, config, signal }) => {
    const sha = await repository.commit({ a: "1" });
    const { gitDir } = mirrorOf(
      "acme/provider",
      remoteOf(repository.place, config),
      config.cacheFolder,
    );
    await mkdir(join(gitDir, "refs", "heads"), { recursive: true });
    await writeFile(join(gitDir, left), "");

    const mirror = await openMirror(repository.place, config, { signal });

    expect(await resolveCommit(mirror, null, signal)).toBe(sha);
  },
);

test("hooks and settings of a repository are not run", async ({
  folder,
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const trap = join(folder, "trap");
  const script = `#!/bin/sh\ntouch ${trap}\n`;
  for (const hook of ["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"]) {
    await writeFile(join(repository.path, ".git", "hooks", hook), script, { mode: 0o755 });
  }
  await repository.git("config", "uploadpack.packObjectsHook", `touch ${trap}; exec`);
  await repository.git("config", "core.fsmonitor", `touch ${trap}`);

  await openMirror(repository.place, config, { signal });

  expect(await readdir(folder)).not.toContain("trap");
});

test("many processes that open one mirror at once all have the newest commit", async ({
  repository,
  config,
}) => {
  await repository.commit({ a: "1" });
  const head = await repository.commit({ a: "2" });
  const script = join(PROGRAMS, "open-mirror-process.ts");

  const outputs = await Promise.all(
    Array.from({ length: 3 }, () =>
      run(process.execPath, [script, config.cacheFolder, repository.url, "4"]),
    ),
  );

  const told = outputs.flatMap(({ stdout }) => stdout.trim().split("\n"));
  expect(told).toEqual(Array.from({ length: 12 }, () => head));
  expect(await readdir(join(config.cacheFolder, "mirrors"))).toHaveLength(1);
});

test("the lock of a process that was killed is taken over", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  const holder = spawn(process.execPath, [join(PROGRAMS, "hold-mirror-lock.ts"), mirror.gitDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  await expect(
    withMirrorLock(mirror.gitDir, { signal, lockWaitMs: 100 }, () => Promise.resolve()),
  ).rejects.toMatchObject({
    name: "RetryableError",
    message: `process ${holder.pid} has ${lockPathOf(mirror.gitDir)} for too long`,
  });

  holder.kill("SIGKILL");
  await once(holder, "exit");
  expect(await waitUntilGone(holder.pid ?? 0, 10_000)).toBe(true);

  await openMirror(repository.place, config, { signal });
  expect(await readdir(join(config.cacheFolder, "mirrors"))).toEqual([
    mirror.gitDir.split("/").at(-1),
  ]);
});

test("an abort ends the wait for a lock", async ({ repository, config, signal }) => {
  const mirror = mirrorOf("a/b", remoteOf(repository.place, config), config.cacheFolder);
  await openMirror(repository.place, config, { signal }).catch(() => {});
  const controller = new AbortController();

  await withMirrorLock(mirror.gitDir, { signal }, async () => {
    const waiting = openMirror({ ...repository.place, repo: "a/b" }, config, {
      signal: controller.signal,
    });
    controller.abort(new Error("cancelled"));
    await expect(waiting).rejects.toThrow("cancelled");
  });
});

test.for([
  ["a reference that a killed fetch left locked", "refs/heads/main.lock"],
  ["packed references that were left locked", "packed-refs.lock"],
  ["a lost HEAD", "HEAD"],
  ["broken settings", "config"],
] as const)("a mirror with %s is made anew", async ([, path], { repository, config, signal }) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  await writeFile(join(mirror.gitDir, path), "[broken");
  const head = await repository.commit({ a: "2" });

  await openMirror(repository.place, config, { signal });

  expect(await resolveCommit(mirror, null, signal)).toBe(head);
});

test("a mirror whose packs are broken is made anew", async ({ repository, config, signal }) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  const packs = join(mirror.gitDir, "objects", "pack");
  for (const name of await readdir(packs)) await truncate(join(packs, name), 10);
  const head = await repository.commit({ a: "2" });

  await openMirror(repository.place, config, { signal });

  expect(await resolveCommit(mirror, null, signal)).toBe(head);
});

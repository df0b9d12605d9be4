// Goal: a triage in git mode has the change and the target, each from its repository.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { isGitSha, readGitChange } from "../../../../src/triage/repository/read-git-change.ts";
import { makeRepository, test, textIn } from "../../../support/repository.ts";

test("a change is read from its source, and the target from its default branch", async ({
  folder,
  repository,
  config,
  signal,
}) => {
  const base = await repository.commit({ "app.py": "port = 8080\n" });
  const head = await repository.commit({ "app.py": "port = 8000\n" });
  await repository.commit({ "app.py": "later\n" });
  const consumer = await makeRepository(join(folder, "hosted", "acme", "consumer"));
  const targetCommit = await consumer.commit({ "client.py": "call(8080)\n" });
  const target = { repo: "acme/consumer", cloneUrl: null };
  const request = { source: repository.place, target, interfaceFiles: ["client.py"] };

  const read = await readGitChange({ ...request, headSha: head, baseSha: null }, config, {
    signal,
  });

  expect(read.changeSet).toMatchObject({
    baseSha: base,
    headSha: head,
    files: [{ path: "app.py", added: [{ line: 1, text: "port = 8000" }] }],
  });
  expect(read.target.revision).toBe(targetCommit);
  expect(await textIn(read.target.path, "client.py")).toBe("call(8080)\n");
  await read[Symbol.asyncDispose]();
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("short shas and a base further back are understood", async ({
  repository,
  config,
  signal,
}) => {
  const base = await repository.commit({ a: "1\n" });
  await repository.commit({ a: "2\n" });
  const head = await repository.commit({ b: "3\n" });
  const request = { source: repository.place, target: repository.place, interfaceFiles: [] };
  const shas = { headSha: head.slice(0, 8).toUpperCase(), baseSha: base.slice(0, 7) };

  await using read = await readGitChange({ ...request, ...shas }, config, { signal });

  expect(read.changeSet).toMatchObject({ baseSha: base, headSha: head });
  expect(read.changeSet.files.map(({ path }) => path)).toEqual(["a", "b"]);
});

test.for([
  ["head", { headSha: "b".repeat(40), baseSha: null }],
  ["base", { headSha: "", baseSha: "b".repeat(40) }],
] as const)(
  "a %s that is not in the source is a permanent error",
  async ([, shas], { repository, config, signal }) => {
    const head = await repository.commit({ a: "1\n" });
    const request = { source: repository.place, target: repository.place, interfaceFiles: [] };

    await expect(
      readGitChange({ ...request, ...shas, headSha: shas.headSha || head }, config, { signal }),
    ).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(/has no commit "b+"$/),
    });
  },
);

test("only what git could have made is looked up as a commit", () => {
  expect(["abc1234", "A".repeat(40), "0".repeat(64)].map(isGitSha)).toEqual([true, true, true]);
  expect(["abc123", "abc123def456ghi789", "main", ""].map(isGitSha)).toEqual(
    Array.from({ length: 4 }, () => false),
  );
});

// Goal: the two commits of a change are those that an event means, by whatever name.

import { expect } from "vitest";
import { isGitSha, resolveRange } from "../../../../../src/triage/sources/git/resolve-commit.ts";
import { test } from "../../../../support/repository.ts";

test("without a base it is the commit before, whatever came later", async ({
  repository,
  config,
  signal,
}) => {
  const base = await repository.commit({ "app.py": "port = 8080\n" });
  const head = await repository.commit({ "app.py": "port = 8000\n" });
  await repository.commit({ "app.py": "later\n" });
  const request = { source: repository.place, headSha: head, baseSha: null };

  expect(await resolveRange(request, config, signal)).toMatchObject({
    base,
    head,
  });
});

test("short shas and a base further back are understood", async ({
  repository,
  config,
  signal,
}) => {
  const base = await repository.commit({ a: "1\n" });
  await repository.commit({ a: "2\n" });
  const head = await repository.commit({ b: "3\n" });
  const shas = { headSha: head.slice(0, 8).toUpperCase(), baseSha: base.slice(0, 7) };

  expect(await resolveRange({ source: repository.place, ...shas }, config, signal)).toMatchObject({
    base,
    head,
  });
});

test.for([
  ["head", { headSha: "b".repeat(40), baseSha: null }],
  ["base", { headSha: "", baseSha: "b".repeat(40) }],
] as const)(
  "a %s that is not in the source is a permanent error",
  async ([, shas], { repository, config, signal }) => {
    const head = await repository.commit({ a: "1\n" });
    const request = { source: repository.place, ...shas, headSha: shas.headSha || head };

    await expect(resolveRange(request, config, signal)).rejects.toMatchObject({
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

// Goal: what decides a verdict is known before anything is read, and nothing else is part of it.

import { mkdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect } from "vitest";
import type { KeyInputs } from "../../../../src/triage/facts/cache-key.ts";
import { consumerTriagePayload } from "../../../../src/triage/pipeline/consumer-payload.ts";
import { folderSha } from "../../../../src/triage/pipeline/find-target.ts";
import { prepare } from "../../../../src/triage/pipeline/prepare.ts";
import { test as base, makeRepository } from "../../../support/repository.ts";

type Parts = { readonly event: object; readonly config?: object };

const test = base.extend<{ inputsOf: (parts: Parts) => Promise<KeyInputs> }>({
  inputsOf: async ({ folder, config: repositories, signal }, use) => {
    await use(async ({ event, config = {} }) => {
      const payload = consumerTriagePayload.parse({
        source_repo: "acme/provider",
        target_repo: "acme/consumer",
        change_event: event,
        relationship_config: config,
      });
      const logger = pino({ level: "silent" });
      const surroundings = { repositories, workingDirectory: folder, signal, logger };
      await using prepared = await prepare(payload, surroundings);
      return prepared.subject.keyInputs;
    });
  },
});

/** Write a text into a file of a folder, and all folders on the way. */
async function put(root: string, path: string, text: string): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text);
}

test("in git mode the inputs are commits", async ({ folder, repository, inputsOf }) => {
  const before = await repository.commit({ a: "1\n" });
  const head = await repository.commit({ a: "2\n" });
  const consumer = await makeRepository(join(folder, "hosted", "acme", "consumer"));
  const target = await consumer.commit({ b: "1\n" });

  expect(await inputsOf({ event: { commit_sha: head.slice(0, 9) } })).toEqual({
    sourceRepo: "acme/provider",
    baseSha: before,
    headSha: head,
    targetRepo: "acme/consumer",
    targetSha: target,
    relationshipType: "api_consumer",
    configHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    payloadHash: null,
  });
});

function told(diff: string): Parts {
  return { event: { commit_sha: "v1", changed_files: [{ path: "a", diff }] } };
}

test("in payload mode the diffs are an input", async ({ inputsOf }) => {
  const one = await inputsOf(told("+1"));

  expect(one).toMatchObject({ baseSha: "", headSha: "v1", targetSha: "" });
  expect(one.payloadHash).toMatch(/^[0-9a-f]{64}$/);
  expect(await inputsOf(told("+1"))).toEqual(one);
  expect((await inputsOf(told("+2"))).payloadHash).not.toBe(one.payloadHash);
});

test("in npm mode versions stand for what is published, and hashes for what is given", async ({
  folder,
  inputsOf,
}) => {
  await put(folder, "consumer/package.json", "{}");
  await put(folder, "next/package.json", "{}");
  const config = { path: "consumer" };
  const upgrade = { name: "p", from: "1.0.0", to: "2.0.0" };
  const given = { event: { package: { ...upgrade, to_path: "next" } }, config };

  expect(await inputsOf({ event: { package: upgrade }, config })).toMatchObject({
    baseSha: "npm:p@1.0.0",
    headSha: "npm:p@2.0.0",
    targetSha: expect.stringMatching(/^sha256:/),
    payloadHash: null,
  });
  const one = await inputsOf(given);
  await put(folder, "next/index.js", "export const next = 1;\n");
  const other = await inputsOf(given);
  expect(one.payloadHash).toMatch(/^[0-9a-f]{64}$/);
  expect(other).toEqual({ ...one, payloadHash: expect.not.stringMatching(one.payloadHash ?? "") });
});

describe("the hash of a folder", () => {
  const FILES = {
    "package.json": "{}",
    "src/a.ts": "1\n",
    ".github/workflows/ci.yml": "on: push\n",
  };

  async function fill(root: string): Promise<void> {
    for (const [path, text] of Object.entries(FILES)) await put(root, path, text);
  }

  test.for([
    ["a text", "src/a.ts", "2\n"],
    ["a new file", "src/b.ts", ""],
    ["a hidden file", ".github/workflows/ci.yml", ""],
    ["what npm has installed", "node_modules/.package-lock.json", "{}"],
    ["what pnpm has installed", "node_modules/.modules.yaml", "{}"],
    ["what yarn has installed", "node_modules/.yarn-state.yml", "{}"],
  ] as const)("is another one after a change of %s", async ([, path, text], { folder, signal }) => {
    await fill(folder);
    const before = await folderSha(folder, signal);

    await put(folder, path, text);

    expect(await folderSha(folder, signal)).not.toBe(before);
  });

  test("is another one for a file of another name", async ({ folder, signal }) => {
    await fill(folder);
    const before = await folderSha(folder, signal);

    await rm(join(folder, "src/a.ts"));
    await put(folder, "src/b.ts", FILES["src/a.ts"]);

    expect(await folderSha(folder, signal)).not.toBe(before);
  });

  test("does not depend on times, links, git and installed packages", async ({
    folder,
    signal,
  }) => {
    await fill(folder);
    const before = await folderSha(folder, signal);

    await utimes(join(folder, "src/a.ts"), 0, 0);
    await symlink("/etc", join(folder, "etc"));
    await put(folder, ".git/HEAD", "ref: refs/heads/main\n");
    await put(folder, "node_modules/p/index.js", "1\n");

    expect(await folderSha(folder, signal)).toBe(before);
  });

  test("knows a large file by its size and time", async ({ folder, signal }) => {
    await put(folder, "large.bin", "x".repeat(1_100_000));
    await utimes(join(folder, "large.bin"), 1, 1);
    const before = await folderSha(folder, signal);

    await utimes(join(folder, "large.bin"), 2, 2);

    expect(await folderSha(folder, signal)).not.toBe(before);
  });
});

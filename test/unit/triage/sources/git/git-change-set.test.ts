// Goal: a change between two commits is told as it is, whatever the repository holds.
// Method: repositories made by git, read over file://.

import { expect } from "vitest";
import type { ChangeSet } from "../../../../../src/triage/facts/change-set.ts";
import {
  REPOSITORY_LIMITS,
  type RepositoryLimits,
} from "../../../../../src/triage/facts/limits.ts";
import { changeSetOfRange } from "../../../../../src/triage/sources/git/git-change-set.ts";
import { openMirror } from "../../../../../src/triage/sources/git/open-mirror.ts";
import {
  firstParentOf,
  resolveCommit,
} from "../../../../../src/triage/sources/git/resolve-commit.ts";
import { test as base, type Repository } from "../../../../support/repository.ts";

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]);

type ChangeOf = (limits?: Partial<RepositoryLimits>) => Promise<ChangeSet>;

const test = base.extend<{ changeOf: ChangeOf }>({
  /** What the head of the repository changed. */
  changeOf: async ({ repository, config, signal }, use) => {
    await use(async (limits = {}) => {
      const mirror = await openMirror(repository.place, config, { signal });
      const head = await resolveCommit(mirror, null, signal);
      const range = { base: await firstParentOf(mirror, head, signal), head };
      return await changeSetOfRange(mirror, range, config, {
        signal,
        limits: { ...REPOSITORY_LIMITS, ...limits },
      });
    });
  },
});

function pathsOf({ files }: ChangeSet): string[] {
  return files.map(({ path }) => path);
}

test("a change set has contents and numbered lines of each file", async ({
  repository,
  changeOf,
}) => {
  const before = "one\ntwo\nthree\n";
  await repository.commit({ "a.txt": before, "gone.txt": "old\n", "moved.txt": long("x") });
  const head = await repository.commit(
    {
      "a.txt": "one\n2\nthree\nfour\n",
      "gone.txt": null,
      "moved.txt": null,
      "new.txt": "hi\n",
      "there.txt": long("x"),
    },
    "feat: change\n\nBody",
  );

  const changed = await changeOf();

  expect(changed).toMatchObject({
    mode: "git",
    headSha: head,
    message: "feat: change\n\nBody",
    truncated: false,
    capsHit: [],
  });
  expect(changed.files).toEqual([
    {
      path: "a.txt",
      oldPath: null,
      changeType: "modified",
      before,
      after: "one\n2\nthree\nfour\n",
      added: [
        { line: 2, text: "2" },
        { line: 4, text: "four" },
      ],
      removed: [{ line: 2, text: "two" }],
      isBinary: false,
    },
    {
      path: "gone.txt",
      oldPath: null,
      changeType: "deleted",
      before: "old\n",
      after: null,
      added: [],
      removed: [{ line: 1, text: "old" }],
      isBinary: false,
    },
    {
      path: "new.txt",
      oldPath: null,
      changeType: "added",
      before: null,
      after: "hi\n",
      added: [{ line: 1, text: "hi" }],
      removed: [],
      isBinary: false,
    },
    {
      path: "there.txt",
      oldPath: "moved.txt",
      changeType: "renamed",
      before: long("x"),
      after: long("x"),
      added: [],
      removed: [],
      isBinary: false,
    },
  ]);
});

function long(word: string): string {
  return Array.from({ length: 50 }, (_, line) => `${word} ${line}\n`).join("");
}

test("the first commit is a change from nothing", async ({ repository, changeOf }) => {
  await repository.commit({ "a.txt": "one\n" });

  const changed = await changeOf();

  expect(changed.files).toMatchObject([{ path: "a.txt", changeType: "added", after: "one\n" }]);
});

test("two equal commits differ in nothing", async ({ repository, changeOf }) => {
  await repository.commit({ "a.txt": "one\n" });
  await repository.commit({}, "Empty");

  expect(await changeOf()).toMatchObject({ files: [], message: "Empty", capsHit: [] });
});

test("generated files are dropped, and lockfiles are kept", async ({ repository, changeOf }) => {
  await repository.commit({
    "Cargo.lock": "1",
    "package-lock.json": "{}",
    "yarn.lock": "",
    "app/node_modules/x/index.js": "1",
    "app.min.js": "1",
    "app.js.map": "1",
    "__pycache__/a.txt": "1",
    "a.pyc": "1",
    ".DS_Store": "1",
    "node_modules.ts": "1",
  });

  expect(pathsOf(await changeOf())).toEqual([
    "Cargo.lock",
    "node_modules.ts",
    "package-lock.json",
    "yarn.lock",
  ]);
});

test("a binary file is told without its content", async ({ repository, changeOf }) => {
  await repository.commit({ "a.png": "text\n", "b.txt": "text\n" });
  await repository.commit({ "a.png": PNG, "b.txt": "other\n" });

  expect((await changeOf()).files).toMatchObject([
    { path: "a.png", isBinary: true, before: null, after: null, added: [], removed: [] },
    { path: "b.txt", isBinary: false, after: "other\n" },
  ]);
});

test("names with newlines, quotes and leading dashes are told as they are", async ({
  repository,
  changeOf,
}) => {
  const names = ["--output=x", "-a", 'a "b"\\c', "line\nbreak", "tab\there", "ünï", "b/ c"];
  await repository.commit(Object.fromEntries(names.map((name) => [name, "one\n"])));
  await repository.commit(Object.fromEntries(names.map((name) => [name, `${name}\n`])));

  const { files } = await changeOf();

  expect(files.map(({ path, after }) => [path, after])).toEqual(
    names.toSorted().map((name) => [name, `${name}\n`]),
  );
  expect(files.every(({ removed }) => removed[0]?.text === "one")).toBe(true);
});

test("attributes of the repository hide no lines", async ({ repository, changeOf }) => {
  await repository.commit({ ".gitattributes": "* -diff\n", "a.ts": "one\n" });
  await repository.commit({ "a.ts": "two\n" });

  expect((await changeOf()).files).toMatchObject([
    { path: "a.ts", isBinary: false, added: [{ line: 1, text: "two" }] },
  ]);
});

test("lines that look like headers of a diff are lines", async ({ repository, changeOf }) => {
  const before = "-- drop table\ndiff --git a/1 b/1\n@@ -1 +1 @@\n";
  await repository.commit({ "a.sql": before });
  await repository.commit({ "a.sql": "++ b\n" });

  const [file] = (await changeOf()).files;

  expect(file?.removed.map(({ text }) => text)).toEqual(before.trim().split("\n"));
  expect(file?.added).toEqual([{ line: 1, text: "++ b" }]);
});

test("links and submodules are told without content", async ({ repository, changeOf }) => {
  await repository.fastImport(
    commitOf([
      "M 120000 inline link\ndata 11\n/etc/passwd\n",
      `M 160000 ${"a".repeat(40)} module\n`,
      "M 100644 inline a.txt\ndata 2\nx\n\n",
    ]),
  );

  expect((await changeOf()).files).toMatchObject([
    { path: "a.txt", after: "x\n" },
    { path: "link", before: null, after: null, added: [] },
    { path: "module", before: null, after: null, added: [] },
  ]);
});

function commitOf(changes: readonly string[]): string {
  const header = "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n";
  return `${header}${changes.join("")}\ndone\n`;
}

test("a huge file is told without its content, which the caps say", async ({
  repository,
  changeOf,
}) => {
  await repository.commit({ "a.txt": "one\n", "huge.txt": "0123456789\n".repeat(100_000) });

  const changed = await changeOf();

  expect(changed.capsHit).toEqual(["file_bytes"]);
  expect(changed.files).toMatchObject([
    { path: "a.txt", after: "one\n" },
    { path: "huge.txt", after: null, added: [] },
  ]);
});

test("of 25,000 changed files 20,000 are told, which the caps say", async ({
  repository,
  changeOf,
}) => {
  const changes = Array.from(
    { length: 25_000 },
    (_, index) => `M 100644 inline d${index % 100}/f${index}.txt\ndata 2\n${index % 10}\n\n`,
  );
  await repository.fastImport(commitOf(changes));

  const changed = await changeOf();

  expect(changed.capsHit).toEqual(["files"]);
  expect(changed.files).toHaveLength(20_000);
  expect(changed.files.every(({ after, added }) => after !== null && added.length === 1)).toBe(
    true,
  );
});

test("with too much diff the smallest files keep their lines", async ({ repository, changeOf }) => {
  await repository.commit({ "a.txt": long("long"), "b.txt": "b\n", "c.txt": "c\n" });

  const changed = await changeOf({ diffBytesMax: 600 });

  expect(changed.capsHit).toEqual(["diff_bytes"]);
  expect(changed.files.map(({ added }) => added.length)).toEqual([0, 1, 1]);
  expect(changed.files[0]?.after).toBe(long("long"));
});

test("with too much content the smallest files keep theirs", async ({ repository, changeOf }) => {
  await repository.commit({ "a.txt": long("long"), "b.txt": "b\n" });

  const changed = await changeOf({ contentBytesMax: 100 });

  expect(changed.capsHit).toEqual(["content_bytes"]);
  expect(changed.files.map(({ after }) => after)).toEqual([null, "b\n"]);
});

test("the same commits give the same change set", async ({ repository, changeOf }) => {
  await commitMany(repository);

  const [first, second] = [await changeOf(), await changeOf()];

  expect(JSON.stringify(first)).toBe(JSON.stringify(second));
});

async function commitMany(repository: Repository): Promise<void> {
  const names = Array.from({ length: 30 }, (_, index) => [`f${index}`, long(`${index}`)]);
  await repository.commit(Object.fromEntries(names));
  await repository.commit(
    Object.fromEntries(names.map(([name], at) => [at % 2 ? `${name}` : `g${at}`, long(`${at}`)])),
  );
}

test("a line that looks like the header of another file's diff is a line", async ({
  repository,
  changeOf,
}) => {
  await repository.commit({ "a.txt": "one\n", "b.txt": "x\n" });
  await repository.commit({ "a.txt": "two\n", "b.txt": "a\rdiff --git a/00000000 b/00000000\n" });

  const { files } = await changeOf();

  expect(files.map(({ added }) => added.length)).toEqual([1, 1]);
});

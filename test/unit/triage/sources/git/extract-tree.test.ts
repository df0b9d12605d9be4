// Goal: the tree of a commit comes out whole and harmless, whatever is in the commit.

import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  REPOSITORY_LIMITS,
  type RepositoryLimits,
} from "../../../../../src/triage/facts/limits.ts";
import { extractTree } from "../../../../../src/triage/sources/git/extract-tree.ts";
import { openMirror } from "../../../../../src/triage/sources/git/open-mirror.ts";
import { resolveCommit } from "../../../../../src/triage/sources/git/resolve-commit.ts";
import type { ScratchTree } from "../../../../../src/triage/sources/scratch-folder.ts";
import { test as base, textIn } from "../../../../support/repository.ts";

type Extract = (
  limits?: Partial<RepositoryLimits>,
  first?: readonly string[],
) => Promise<ScratchTree>;

const test = base.extend<{ extract: Extract }>({
  /** The tree of the repository's default branch. */
  extract: async ({ repository, config, signal }, use) => {
    const trees: ScratchTree[] = [];
    await use(async (limits = {}, first = []) => {
      const mirror = await openMirror(repository.place, config, { signal });
      const commit = await resolveCommit(mirror, null, signal);
      const tree = await extractTree(mirror, commit, config, {
        signal,
        first,
        limits: { ...REPOSITORY_LIMITS, ...limits },
      });
      trees.push(tree);
      return tree;
    });
    for (const tree of trees) await tree[Symbol.asyncDispose]();
  },
});

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

function commitOf(changes: readonly string[]): string {
  const header = "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n";
  return `${header}${changes.join("")}\ndone\n`;
}

test("a tree has the files of its commit, and is gone when it is disposed of", async ({
  repository,
  config,
  extract,
}) => {
  const binary = Buffer.from([0, 1, 2, 255]);
  const commit = await repository.commit({
    "src/a.ts": "one\n",
    "b.bin": binary,
    "same/a.ts": "one\n",
    "node_modules/x/index.js": "noise",
  });

  const tree = await extract();

  expect(tree).toMatchObject({ revision: commit, capsHit: [] });
  expect(await filesIn(tree.path)).toEqual(["b.bin", "same/a.ts", "src/a.ts"]);
  expect(await textIn(tree.path, "src/a.ts")).toBe("one\n");
  expect((await stat(join(tree.path, "b.bin"))).size).toBe(4);
  await tree[Symbol.asyncDispose]();
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("links, submodules and what can be executed do not come along", async ({
  repository,
  extract,
}) => {
  await repository.fastImport(
    commitOf([
      "M 120000 inline etc\ndata 4\n/etc\n",
      `M 160000 ${"a".repeat(40)} module\n`,
      "M 100644 inline .gitmodules\ndata 2\nx\n\n",
      "M 100755 inline run.sh\ndata 2\nx\n\n",
    ]),
  );

  const tree = await extract();

  expect(await filesIn(tree.path)).toEqual([".gitmodules", "run.sh"]);
  expect((await stat(join(tree.path, "run.sh"))).mode & 0o111).toBe(0);
  expect(tree.capsHit).toEqual([]);
});

test("attributes of a repository neither filter nor leave out files", async ({
  repository,
  extract,
}) => {
  await repository.commit({
    ".gitattributes": "*.txt text eol=crlf ident export-ignore filter=lfs\n",
    "a.txt": "$Id$\n",
  });

  expect(await textIn((await extract()).path, "a.txt")).toBe("$Id$\n");
});

test("paths that could leave the folder are left out, which the caps say", async ({
  repository,
  extract,
}) => {
  const blob = await hashOf(repository, "x\n");
  const bad = await treeOf(repository, [`100644 blob ${blob}\tevil`]);
  const root = await treeOf(repository, [
    `040000 tree ${bad}\t..`,
    `040000 tree ${bad}\t.git`,
    `040000 tree ${bad}\t.GIT`,
    `100644 blob ${blob}\tback\\slash`,
    `100644 blob ${blob}\tc:`,
    `100644 blob ${blob}\tfine`,
    `100644 blob ${blob}\t${"long".repeat(100)}`,
  ]);
  const commit = await repository.git("commit-tree", root, "-m", "Evil");
  await repository.git("update-ref", "refs/heads/main", commit);

  const tree = await extract();

  expect(await filesIn(tree.path)).toEqual(["fine"]);
  expect(tree.capsHit).toEqual(["paths"]);
});

type Made = { readonly path: string; readonly git: (...args: string[]) => Promise<string> };

async function hashOf({ path, git }: Made, content: string): Promise<string> {
  await writeFile(join(path, "blob"), content);
  return await git("hash-object", "-w", "blob");
}

/** A tree of any entries, as only a hostile program writes it. */
async function treeOf({ path, git }: Made, entries: readonly string[]): Promise<string> {
  const parts = entries.map((entry) => {
    const [, mode = "", id = "", name = ""] = /^0*(\d+) \w+ (\w+)\t(.*)$/s.exec(entry) ?? [];
    return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]);
  });
  await writeFile(join(path, "tree"), Buffer.concat(parts));
  return await git("hash-object", "-t", "tree", "-w", "--literally", "tree");
}

test("of a huge tree as many files come as the cap allows, those asked for first", async ({
  repository,
  extract,
}) => {
  const changes = Array.from(
    { length: 25_000 },
    (_, index) => `M 100644 inline d${index % 100}/f${index}.txt\ndata 2\n${index % 10}\n\n`,
  );
  await repository.fastImport(commitOf([...changes, "M 100644 inline z.py\ndata 2\nx\n\n"]));

  const tree = await extract({ filesMax: 2_000 }, ["z.py"]);

  expect(tree.capsHit).toEqual(["files"]);
  const files = await filesIn(tree.path);
  expect(files).toHaveLength(2_000);
  expect(files).toContain("z.py");
});

test("large files and too many bytes are left out, which the caps say", async ({
  repository,
  extract,
}) => {
  await repository.commit({ a: "x".repeat(50), b: "x".repeat(200), c: "y".repeat(60), d: "z" });

  const tree = await extract({ fileBytesMax: 100, treeBytesMax: 60 });

  expect(await filesIn(tree.path)).toEqual(["a", "d"]);
  expect(tree.capsHit).toEqual(["file_bytes", "tree_bytes"]);
});

test("an abort leaves nothing behind", async ({ repository, config, signal }) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  const commit = await resolveCommit(mirror, null, signal);
  const controller = new AbortController();

  const extracted = extractTree(mirror, commit, config, { signal: controller.signal });
  controller.abort(new Error("cancelled"));

  await expect(extracted).rejects.toThrow("cancelled");
  expect(await readdir(join(config.cacheFolder, "scratch")).catch(() => [])).toEqual([]);
});

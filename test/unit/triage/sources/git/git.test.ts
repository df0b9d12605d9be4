// Goal: whatever a repository or its host sends, git takes no more than its limits say, and the
// same again is not tried.
// Method: repositories of objects that git would not make; a host on loopback that has no end.

import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterEach, expect, vi } from "vitest";
import { REPOSITORY_LIMITS } from "../../../../../src/triage/facts/limits.ts";
import { manifestsOfCommit } from "../../../../../src/triage/pipeline/package-manifests.ts";
import { extractTree } from "../../../../../src/triage/sources/git/extract-tree.ts";
import { git } from "../../../../../src/triage/sources/git/git.ts";
import { changeSetOfRange } from "../../../../../src/triage/sources/git/git-change-set.ts";
import { openMirror } from "../../../../../src/triage/sources/git/open-mirror.ts";
import {
  firstParentOf,
  resolveCommit,
} from "../../../../../src/triage/sources/git/resolve-commit.ts";
import {
  branches,
  endlessBranches,
  endlessPack,
  oneBranch,
  serveHostile,
} from "../../../../support/hostile-git-server.ts";
import { type Repository, test } from "../../../../support/repository.ts";

type Entry = { readonly mode: string; readonly name: string | Buffer; readonly id: string };

/** Writes objects that git itself would refuse to make, or take long over. */
class Bomb {
  readonly #gitDir: string;

  constructor({ path }: Pick<Repository, "path">) {
    this.#gitDir = join(path, ".git");
  }

  async object(type: "blob" | "tree" | "commit", body: Buffer): Promise<string> {
    const whole = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
    const id = createHash("sha1").update(whole).digest("hex");
    const folder = join(this.#gitDir, "objects", id.slice(0, 2));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, id.slice(2)), deflateSync(whole));
    return id;
  }

  async blob(content: string): Promise<string> {
    return await this.object("blob", Buffer.from(content));
  }

  async tree(entries: readonly Entry[]): Promise<string> {
    const parts = entries.map(({ mode, name, id }) =>
      Buffer.concat([
        Buffer.from(`${mode} `),
        Buffer.from(name),
        Buffer.from([0]),
        Buffer.from(id, "hex"),
      ]),
    );
    return await this.object("tree", Buffer.concat(parts));
  }

  /** Make it the head of main, on top of `parent`. */
  async commit(tree: string, { message = "x", parent = "" } = {}): Promise<string> {
    const parents = parent === "" ? "" : `parent ${parent}\n`;
    const who = "A <a@example.org> 1 +0000";
    const text = `tree ${tree}\n${parents}author ${who}\ncommitter ${who}\n\n${message}`;
    const id = await this.object("commit", Buffer.from(text));
    await writeFile(join(this.#gitDir, "refs", "heads", "main"), `${id}\n`);
    return id;
  }

  /** Ten folders with ten folders each, and so on: ten to the power of `levels` files. */
  async nested(levels: number): Promise<string> {
    let [mode, id] = ["100644", await this.blob("x\n")];
    for (let level = 0; level < levels; level++) {
      const names = Array.from({ length: 10 }, (_, at) => `d${at}`);
      const entries = names.map((name) => ({ mode, name, id }));
      [mode, id] = ["40000", await this.tree(entries)];
    }
    return id;
  }

  /** A file below so many folders. */
  async deep(levels: number): Promise<string> {
    let [mode, id] = ["100644", await this.blob("x\n")];
    for (let level = 0; level < levels; level++) {
      [mode, id] = ["40000", await this.tree([{ mode, name: "a", id }])];
    }
    return id;
  }
}

const PLACE = { repo: "acme/provider", cloneUrl: null };

afterEach(() => {
  vi.unstubAllEnvs();
});

test("folders in folders without number are not compared, and listed no further than the caps", async ({
  repository,
  config,
  signal,
}) => {
  const bomb = new Bomb(repository);
  await bomb.commit(await bomb.nested(10));
  const mirror = await openMirror(repository.place, config, { signal });
  const head = await resolveCommit(mirror, null, signal);
  const range = { base: await firstParentOf(mirror, head, signal), head };
  const limits = { ...REPOSITORY_LIMITS, treeEntriesMax: 50_000, filesMax: 100 };

  await expect(changeSetOfRange(mirror, range, config, { signal, limits })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^the tree of [0-9a-f]{40} is too large to be compared/),
  });
  await using tree = await extractTree(mirror, head, config, { signal, limits });
  expect(tree.capsHit).toEqual(["files"]);
  expect((await manifestsOfCommit(mirror, head, signal)).byFolder).toEqual(new Map());
});

test("a file below more folders than a path may have costs itself alone", async ({
  repository,
  config,
  signal,
}) => {
  const bomb = new Bomb(repository);
  const deep = { mode: "40000", name: "deep", id: await bomb.deep(2_000) };
  const file = { mode: "100644", name: "a.ts", id: await bomb.blob("1\n") };
  const head = await bomb.commit(await bomb.tree([file, deep]));
  const mirror = await openMirror(repository.place, config, { signal });

  await using tree = await extractTree(mirror, head, config, { signal });

  expect(tree.capsHit).toEqual(["paths"]);
  expect(await readdir(tree.path)).toEqual(["a.ts"]);
});

test("of a file and a folder of one name the first stays, and the rest comes along", async ({
  repository,
  config,
  signal,
}) => {
  const bomb = new Bomb(repository);
  const id = await bomb.blob("1\n");
  const folder = await bomb.tree([{ mode: "100644", name: "below", id }]);
  const head = await bomb.commit(
    await bomb.tree([
      { mode: "100644", name: "a", id },
      { mode: "40000", name: "a", id: folder },
      { mode: "100644", name: "a", id },
      { mode: "100644", name: Buffer.from([0xff, 0xfe]), id },
      { mode: "100644", name: "n".repeat(255), id },
      { mode: "100644", name: "n".repeat(256), id },
      { mode: "100644", name: "z".repeat(20_000), id },
    ]),
  );
  const mirror = await openMirror(repository.place, config, { signal });

  await using tree = await extractTree(mirror, head, config, { signal });

  expect(tree.capsHit).toEqual(["paths"]);
  const names = await readdir(tree.path);
  expect(names.toSorted()).toEqual(["a", "n".repeat(255), "\ufffd\ufffd"]);
  expect((await stat(join(tree.path, "a"))).isFile()).toBe(true);
});

test("a crash of git, or of what it has started, is a permanent error that says so", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const { gitDir } = await openMirror(repository.place, config, { signal });
  // An alias stands for a command that overflows its stack.
  const args = ["-c", "alias.deep=!kill -SEGV $$", "deep"] as const;

  await expect(git(gitDir, args, { signal })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^git -c crashed \(signal 11\), as it does where objects/),
  });
});

test("a long message is not read, which the caps say", async ({ repository, config, signal }) => {
  const bomb = new Bomb(repository);
  const tree = await bomb.tree([{ mode: "100644", name: "a", id: await bomb.blob("1\n") }]);
  const head = await bomb.commit(tree, { message: "m".repeat(2_000_000) });
  const mirror = await openMirror(repository.place, config, { signal });
  const base = await firstParentOf(mirror, head, signal);

  const change = await changeSetOfRange(mirror, { base, head }, config, { signal });

  expect(change).toMatchObject({ message: "", capsHit: ["commit_bytes"] });
  expect(change.files).toHaveLength(1);
});

test("an object that needs more memory than git has is a permanent error that names the limit", async ({
  repository,
  config,
  signal,
}) => {
  vi.stubEnv("MAX_GIT_MEMORY_MIB", "128");
  const bomb = new Bomb(repository);
  await bomb.commit(await bomb.tree([]), { message: "m".repeat(200_000_000) });

  await expect(openMirror(repository.place, config, { signal })).rejects.toMatchObject({
    name: "PermanentError",
    message: "git fetch needed more than 128 MiB of memory; hint: MAX_GIT_MEMORY_MIB is the limit",
  });
});

test("a change whose renames take more than git may is told without them", async ({
  repository,
  config,
  signal,
}) => {
  const long = "a line of text\n".repeat(4_000_000);
  await repository.commit({ "a.txt": long, "b.ts": "1\n" });
  const head = await repository.commit({ "a.txt": null, "c.txt": `${long}x\n`, "b.ts": "2\n" });
  const mirror = await openMirror(repository.place, config, { signal });
  const base = await firstParentOf(mirror, head, signal);
  vi.stubEnv("MAX_GIT_MEMORY_MIB", "128");

  const change = await changeSetOfRange(mirror, { base, head }, config, { signal });

  expect(change.capsHit).toEqual(["file_bytes", "renames"]);
  expect(change.files.map(({ path, changeType }) => [path, changeType])).toEqual([
    ["a.txt", "deleted"],
    ["b.ts", "modified"],
    ["c.txt", "added"],
  ]);
});

test("a host that tells branches without end is left at git's limit of memory", async ({
  config,
  signal,
}) => {
  vi.stubEnv("MAX_GIT_MEMORY_MIB", "128");
  await using server = await serveHostile({ refs: endlessBranches });

  const opened = openMirror(PLACE, { ...config, cloneBase: server.url }, { signal });

  await expect(opened).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^git ls-remote needed more than 128 MiB of memory/),
  });
});

test("a repository of too many branches is not fetched", async ({ config, signal }) => {
  const { refsMax } = REPOSITORY_LIMITS;
  await using server = await serveHostile({
    refs: (at) => (at === 0 ? [...oneBranch(0), ...branches(0, refsMax)] : []),
  });

  const opened = openMirror(PLACE, { ...config, cloneBase: server.url }, { signal });

  await expect(opened).rejects.toMatchObject({
    name: "PermanentError",
    message: `acme/provider has more than ${refsMax} branches and tags`,
  });
  expect(await readdir(join(config.cacheFolder, "mirrors"))).toEqual([]);
});

test.for([
  ["at once", 0],
  ["little by little", 20],
] as const)(
  "a pack without end that comes %s is left at the limit of bytes, and nothing of it stays",
  async ([, everyMs], { config, signal }) => {
    await using server = await serveHostile({ pack: endlessPack, everyMs });
    const small = { ...config, cloneBase: server.url, repositoryBytesMax: 2_000_000 };

    const opened = openMirror(PLACE, small, { signal });

    await expect(opened).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(/more than 2000000 bytes.*MAX_REPO_BYTES/),
    });
    expect(await bytesIn(config.cacheFolder)).toBeLessThan(100_000);
  },
);

test("a mirror that grew over its limit by many fetches is made anew", async ({
  repository,
  config,
  signal,
}) => {
  const mirror = await openMirror(
    { ...repository.place },
    await withCommit(config, repository.commit({ a: "1" })),
    { signal },
  );
  await writeFile(join(mirror.gitDir, "objects", "pack", "pack-old.keep"), "x".repeat(3_000_000));
  const head = await repository.commit({ a: "2" });

  await openMirror(repository.place, { ...config, repositoryBytesMax: 2_000_000 }, { signal });

  expect(await resolveCommit(mirror, null, signal)).toBe(head);
});

async function withCommit<Given>(given: Given, commit: Promise<string>): Promise<Given> {
  await commit;
  return given;
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map((file) => stat(join(file.parentPath, file.name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}

test("output beyond its cap ends git, and the same again is not tried", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "x".repeat(1_000_000) });
  const { gitDir } = await openMirror(repository.place, config, { signal });

  const read = git(gitDir, ["cat-file", "blob", "main:a"], { signal, bytesMax: 1_000 });

  await expect(read).rejects.toMatchObject({
    name: "PermanentError",
    message: "git cat-file printed more than 1000 bytes",
  });
});

test("processor time has a limit beside the time that passes", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const { gitDir } = await openMirror(repository.place, config, { signal });
  // An alias stands for a command of git that computes without end.
  const args = ["-c", "alias.spin=!while :; do :; done", "spin"] as const;

  await expect(git(gitDir, args, { signal, limitMs: 4_000 })).rejects.toMatchObject({
    name: expect.stringMatching(/^(?:PermanentError|RetryableError)$/),
    message: expect.stringMatching(/needed more than 3 s of processor time|took longer/),
  });
});

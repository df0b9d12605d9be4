// Goal: whatever a repository or a package says of paths, nothing outside of the given folders
// is seen. Method: a real disk with a secret beside the folder, and every way to spell a path.

import { execFileSync } from "node:child_process";
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { Fence } from "../../../../src/triage/reading/fence.ts";
import { test as base } from "../../../support/packages.ts";

/** `tree` is the folder that may be read; `secret/key.ts` stands beside it. */
const test = base.extend<{ tree: string; secret: string }>({
  tree: async ({ folder }, use) => {
    const tree = join(await realpath(folder), "tree");
    await mkdir(join(tree, "src"), { recursive: true });
    await writeFile(join(tree, "src", "own.ts"), "own");
    await use(tree);
  },
  secret: async ({ folder }, use) => {
    const secret = join(await realpath(folder), "secret");
    await mkdir(secret);
    await writeFile(join(secret, "key.ts"), "secret");
    await use(secret);
  },
});

function seen(fence: Fence, path: string) {
  const { fileExists, directoryExists, text, folders } = {
    fileExists: fence.fileExists(path),
    directoryExists: fence.directoryExists(path),
    text: fence.readFile(path),
    folders: fence.foldersIn(path),
  };
  return { fileExists, directoryExists, text, folders };
}

const NOTHING = { fileExists: false, directoryExists: false, text: undefined, folders: [] };

test("a file of the tree is read, by links within it as well", async ({ tree }) => {
  await symlink("own.ts", join(tree, "src", "link.ts"));
  await symlink("src", join(tree, "linked"));
  await symlink(tree, `${tree}-link`);
  const fence = new Fence([tree]);

  for (const path of ["src/own.ts", "src/link.ts", "linked/own.ts", "linked/../src/own.ts"]) {
    expect(fence.readFile(join(tree, path))).toBe("own");
    expect(fence.realpath(join(tree, path))).toBe(join(tree, "src", "own.ts"));
  }
  expect(fence.foldersIn(tree).toSorted()).toEqual(["linked", "src"]);
  // Whoever gives the folder may give it by a link.
  expect(new Fence([`${tree}-link`]).readFile(join(`${tree}-link`, "src/own.ts"))).toBe("own");
});

test.for([
  ["its path", (secret: string) => join(secret, "key.ts")],
  ["its folder", (secret: string) => secret],
  ["`..`", (secret: string, tree: string) => `${tree}/../${secret.split("/").at(-1)}/key.ts`],
  ["more of `..`", (_: string, tree: string) => `${tree}/src/../../secret/key.ts`],
  ["a URL", (secret: string) => pathToFileURL(join(secret, "key.ts")).href],
  ["separators of Windows", (_: string, tree: string) => `${tree}\\..\\secret\\key.ts`],
  ["the process", (secret: string) => `/proc/self/root${secret}/key.ts`],
  ["a name that begins like the tree", (_: string, tree: string) => `${tree}-other/key.ts`],
  ["a relative path", () => "package.json"],
  ["a NUL", (secret: string, tree: string) => `${tree}/src/own.ts\0${secret}`],
  ["other letters", (secret: string) => join(secret, "key.ts").toUpperCase()],
] as const)(
  "files outside of the tree are not there by %s",
  async ([, spell], { tree, secret }) => {
    await mkdir(`${tree}-other`);
    await writeFile(join(`${tree}-other`, "key.ts"), "secret");

    expect(seen(new Fence([tree]), spell(secret, tree))).toEqual(NOTHING);
  },
);

test.for([
  ["a link to a file", "key.ts", "leads/out.ts", "leads/out.ts"],
  ["a link to a folder", "", "leads", "leads/key.ts"],
  ["a link to a link", "", "first", "second/key.ts"],
] as const)(
  "files outside of the tree are not there by %s",
  async ([, to, from, path], { tree, secret }) => {
    if (from.includes("/")) await mkdir(join(tree, "leads"));
    await symlink(join(secret, to), join(tree, from));
    await symlink("first", join(tree, "second"));
    const fence = new Fence([tree]);

    expect(seen(fence, join(tree, path))).toEqual(NOTHING);
    expect(fence.realpath(join(tree, path))).toBe(join(tree, path));
    expect(fence.foldersIn(tree)).not.toContain(from);
  },
);

test("a pipe, a device and a folder are no files, and block nobody", async ({ tree }) => {
  execFileSync("mkfifo", [join(tree, "pipe.ts")]);
  await symlink("/dev/zero", join(tree, "zero.ts"));
  await symlink("/proc/self/environ", join(tree, "environ.ts"));
  await symlink("self.ts", join(tree, "self.ts"));
  const fence = new Fence([tree]);

  for (const path of ["pipe.ts", "zero.ts", "environ.ts", "self.ts", "src"]) {
    expect(fence.readFile(join(tree, path))).toBeUndefined();
    expect(fence.fileExists(join(tree, path))).toBe(false);
  }
});

test("a file over the limit is not read, and its size is known", ({ tree }) => {
  const fence = new Fence([tree], { bytesMax: 2 });

  expect(fence.fileExists(join(tree, "src/own.ts"))).toBe(false);
  expect(fence.readFile(join(tree, "src/own.ts"))).toBeUndefined();
  expect(fence.sizeOf(join(tree, "src/own.ts"))).toBe(3);
});

test("of the folders above nothing is seen but that they are there", ({ tree, secret }) => {
  const fence = new Fence([tree]);

  expect(fence.directoryExists(join(tree, ".."))).toBe(true);
  expect(fence.foldersIn(join(tree, ".."))).toEqual([]);
  expect(fence.directoryExists(secret)).toBe(false);
});

test("texts come without their mark, whatever their encoding", async ({ tree }) => {
  const texts = {
    "utf8.ts": Buffer.from("\ufeffgrün"),
    "little.ts": Buffer.from("\ufeffgrün", "utf16le"),
    "big.ts": Buffer.from("\ufeffgrün", "utf16le").swap16(),
  };
  for (const [name, bytes] of Object.entries(texts)) await writeFile(join(tree, name), bytes);
  const fence = new Fence([tree]);

  for (const name of Object.keys(texts)) expect(fence.readFile(join(tree, name))).toBe("grün");
});

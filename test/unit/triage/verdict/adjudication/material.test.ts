import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import type { ChangedFile } from "../../../../../src/triage/facts/change-set.ts";
import {
  diffsOf,
  materialFor,
  snippetsAt,
} from "../../../../../src/triage/verdict/adjudication/material.ts";
import { lendFolder } from "../../../../support/folders-and-ports.ts";
import { makeResult } from "../../../../support/triage-result.ts";

const test = base.extend<{ folder: string }>({
  folder: lendFolder,
});

function changed(path: string, text: string): ChangedFile {
  return {
    path,
    oldPath: null,
    changeType: "modified",
    before: null,
    after: null,
    added: [{ line: 1, text }],
    removed: [{ line: 1, text: "old" }],
    isBinary: false,
  };
}

test("diffs are those of files that findings name first, ten of them, each cut", () => {
  const files = Array.from({ length: 12 }, (_, at) => changed(`${at}.ts`, "x".repeat(2_000)));

  const diffs = diffsOf(files, ["11.ts"]);

  expect(diffs.map(({ path }) => path).slice(0, 2)).toEqual(["11.ts", "0.ts"]);
  expect(diffs).toHaveLength(10);
  expect(diffs[0]?.text.slice(0, 7)).toBe("-old\n+x");
  expect(diffs[0]?.text).toHaveLength(1_500);
});

test("snippets show the lines around the hits, with their numbers", async ({ folder }) => {
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at + 1}`);
  await writeFile(join(folder, "a.ts"), lines.join("\n"));

  const [snippet] = snippetsAt(folder, [{ path: "a.ts", line: 50 }]);

  expect(snippet?.text.split("\n")).toHaveLength(21);
  expect(snippet?.text).toContain("50: line 50");
});

test("nothing outside of the tree is shown", async ({ folder }) => {
  const tree = join(folder, "tree");
  await mkdir(tree);
  await writeFile(join(folder, "secret"), "s3cret");
  await symlink(join(folder, "secret"), join(tree, "link"));

  const places = ["../secret", "link", "absent"].map((path) => ({ path, line: 1 }));

  expect(snippetsAt(tree, places)).toEqual([]);
});

test("a result's findings say what is shown of the change and of the target", async ({
  folder,
}) => {
  await mkdir(join(folder, "src"));
  await writeFile(join(folder, "src/client.ts"), "fetch(url)");
  const files = [changed("z.py", "z"), changed("app.py", "a")];
  const change = {
    mode: "git" as const,
    baseSha: "1",
    headSha: "2",
    message: "",
    files,
    truncated: false,
    capsHit: [],
  };

  const material = materialFor(makeResult(), { change, folder });

  expect(material.diffs.map(({ path }) => path)).toEqual(["app.py", "z.py"]);
  expect(material.snippets).toEqual([{ path: "src/client.ts", text: "1: fetch(url)" }]);
  expect(materialFor(makeResult(), { change: null, folder: null })).toEqual({
    diffs: [],
    snippets: [],
  });
});

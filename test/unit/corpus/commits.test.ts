import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { TemplateCase } from "../../corpus/case.ts";
import { changeOf, dependentOf } from "../../corpus/commits.ts";
import { test } from "../../support/repository.ts";

async function makeCase(
  folder: string,
  history: TemplateCase["template"]["history"],
): Promise<TemplateCase> {
  const files = {
    "before/Dockerfile": "FROM node:22\n",
    "before/old.md": "# Old\n",
    "after/Dockerfile": "FROM node:24\n",
    "derivative/own.md": "# Own\n",
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, "case", name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return {
    name: "case",
    folder: path.join(folder, "case"),
    kind: "template",
    used_for_rules: true,
    class: "not breaking",
    why: "A test.",
    template: { history, removed: ["old.md"], message: "feat: move", relationship: {} },
    truth: { by: "reading", reached: true, at: [], because: "A test." },
  };
}

function git(url: string, ...words: readonly string[]): string {
  const folder = fileURLToPath(url);
  return execFileSync("git", ["-C", folder, ...words], { encoding: "utf8" }).trim();
}

test("a change is a commit with what is added, replaced and removed", async ({ folder }) => {
  const source = await changeOf(await makeCase(folder, "fork"), folder);

  expect(git(source.url, "diff", "--name-status", source.base, source.head)).toBe(
    "M\tDockerfile\nD\told.md",
  );
  expect(git(source.url, "log", "-1", "--format=%s")).toBe("feat: move");
});

test.for(["fork", "copy"] as const)(
  "a %s begins before the change",
  async (history, { folder }) => {
    const one = await makeCase(folder, history);
    const source = await changeOf(one, folder);
    const { url } = await dependentOf(one, source, folder);

    expect(git(url, "ls-files").split("\n")).toEqual(["Dockerfile", "old.md", "own.md"]);
    expect(git(url, "show", "HEAD:Dockerfile")).toBe("FROM node:22");
    expect(git(url, "rev-list", "HEAD").split("\n").includes(source.base)).toBe(history === "fork");
  },
);

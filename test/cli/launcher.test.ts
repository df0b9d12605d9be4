// Goal: bin/triaged.js runs under a Node that is too old for triaged, or says what to do.
// Method: this Node, told to call itself 20.0.0.

import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const LAUNCHER = path.join(import.meta.dirname, "..", "..", "bin", "triaged.js");
const OLD =
  "data:text/javascript,Object.defineProperty(process, 'versions', " +
  "{ value: { ...process.versions, node: '20.0.0' } });";

/** A folder with the launcher alone, as if triaged were installed there. */
async function copyLauncher() {
  const { path: folder, remove } = await makeTemporaryFolder();
  onTestFinished(remove);
  await mkdir(path.join(folder, "bin"));
  await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
  const launcher = path.join(folder, "bin", "triaged.js");
  await copyFile(LAUNCHER, launcher);
  return { folder, launcher };
}

async function runOld(launcher: string, words: readonly string[]) {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", OLD, launcher, ...words], (err, stdout, stderr) => {
      resolve({ code: err?.code ?? 0, stdout, stderr });
    });
  });
}

test("an old Node is told what to install", async () => {
  const { launcher } = await copyLauncher();

  expect(await runOld(launcher, ["stats"])).toEqual({
    code: 78,
    stdout: "",
    stderr:
      "error: triaged needs Node 22.18 or later, this is 20.0.0\n" +
      "hint: install a newer Node, or one for this folder: npm install node@24\n",
  });
});

test("an old Node hands over to the one that is installed beside it", async () => {
  const { folder, launcher } = await copyLauncher();
  const bin = path.join(folder, "node_modules", "node", "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(path.join(bin, "..", "package.json"), "{}");
  const script = '#!/bin/sh\nshift; echo "asked: $*"; exit 7\n';
  await writeFile(path.join(bin, "node"), script, { mode: 0o755 });

  expect(await runOld(launcher, ["show", "42"])).toEqual({
    code: 7,
    stdout: "asked: show 42\n",
    stderr: "",
  });
});

test("code that a checkout compiles is kept for the next start", async () => {
  const { folder, launcher } = await copyLauncher();
  for (const [name, text] of [
    ["cli/main.ts", "export async function runProcess(): Promise<void> {}"],
    ["triage/application.ts", "export const triage: object = {};"],
  ] as const) {
    const file = path.join(folder, "src", name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  await promisify(execFile)(process.execPath, [launcher], {
    env: { ...process.env, NODE_COMPILE_CACHE: undefined },
  });

  const kept = await readdir(path.join(folder, "node_modules", ".cache", "triaged"), {
    recursive: true,
  });
  expect(kept.length).toBeGreaterThan(1);
});

// Goal: a new user who follows docs/triage.md gets what the page says, from an empty folder.
// Method: run the commands of its first section, as they stand there, in a temporary folder
// against a real daemon. Output is compared line by line, where … stands for anything.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const PAGE = readFileSync(path.join(ROOT, "docs", "triage.md"), "utf8");
const SECTION = "## From nothing to a verdict\n";

type Step = { readonly command: string; readonly output: string | null };

/** The commands of the section: a block of `sh` is one, each `$` of a `console` is one. */
function stepsOf(page: string): Step[] {
  const [, section = ""] = page.split(SECTION);
  const [own = ""] = section.split(/^## /m);
  return [...own.matchAll(/^```(sh|console)\n([^]*?)^```$/gm)].flatMap(([, kind, text = ""]) =>
    kind === "sh" ? [{ command: text, output: null }] : promptsIn(text),
  );
}

function promptsIn(text: string): Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const lines = part.split("\n");
      const end = lines.findIndex((line, place) => place > 0 && !line.startsWith("> "));
      const typed = lines.slice(0, end).map((line) => line.replace(/^> /, ""));
      return { command: typed.join("\n"), output: lines.slice(end).join("\n").trimEnd() };
    });
}

/** Whether the output is what the page shows: `…` in a line is any text, alone any lines. */
function isAsShown(output: string, shown: string): boolean {
  const lines = shown.split("\n").map((line) =>
    line.trim() === "…"
      ? "(?:.*\\n)*"
      : `${line
          .split("…")
          // The widths of columns follow what stands in them.
          .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/ +/g, " +"))
          .join(".*")}\\n`,
  );
  return new RegExp(`^${lines.join("")}$`).test(`${output.trimEnd()}\n`);
}

/** What a user has after `npm ci`: `npm start` and `npx triaged` are this checkout's. */
function makeShell(folder: string) {
  const bin = path.join(folder, "bin");
  const state = path.join(folder, "state");
  mkdirSync(bin);
  writeFileSync(state, "");
  const launch = `exec '${process.execPath}' '${path.join(ROOT, "bin", "triaged.js")}'`;
  writeFileSync(path.join(bin, "npm"), `#!/bin/sh\n${launch} up\n`);
  writeFileSync(path.join(bin, "npx"), `#!/bin/sh\nshift\n${launch} "$@"\n`);
  for (const name of ["npm", "npx"]) chmodSync(path.join(bin, name), 0o755);
  const env = {
    PATH: `${bin}:${process.env["PATH"]}`,
    HOME: folder,
    TMPDIR: folder,
    TZ: "UTC",
    ...Object.fromEntries(
      ["AUTHOR", "COMMITTER"].flatMap((who) => [
        [`GIT_${who}_NAME`, "Ada"],
        [`GIT_${who}_EMAIL`, "ada@example.org"],
      ]),
    ),
  };
  const start = (command: string) => {
    // What one block sets, the next one sees.
    const script = `set -e\n. '${state}'\n${command}\ndeclare -p DEMO > '${state}' 2> /dev/null || true\n`;
    const child = spawn("bash", ["-c", script], { cwd: folder, env, detached: true });
    let text = "";
    const said = {
      stdout: "",
      get all() {
        return text;
      },
    };
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      said.stdout += part;
      text += part;
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    const ended = once(child, "close").then(() => child.exitCode);
    return { said, ended, stop: (signal: NodeJS.Signals) => stopGroup(child.pid, signal) };
  };
  return { start };
}

function stopGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    process.kill(-(pid ?? 0), signal);
  } catch {
    // It has ended by itself.
  }
}

test("the commands of the page lead from an empty folder to an issue in a file", {
  timeout: 180_000,
}, async () => {
  const steps = stepsOf(PAGE);
  const folder = await makeTemporaryFolder();
  const shell = makeShell(folder.path);
  const [first, ...others] = steps;
  expect(first?.command).toBe("EFFECTS_MODE=file npm start\n");
  expect(others.filter(({ output }) => output !== null).length).toBeGreaterThan(5);
  const daemon = shell.start(String(first?.command));
  try {
    await waitFor(() => daemon.said.all.includes("triaged is up"), { deadlineMs: 60_000 });
    for (const { command, output } of others) {
      await follow(shell, command, output);
    }
  } finally {
    daemon.stop("SIGTERM");
    await daemon.ended;
    await folder.remove();
  }
});

type Shell = ReturnType<typeof makeShell>;

/** Run a command; one that only looks is run again until it shows what the page does. */
async function follow(shell: Shell, command: string, output: string | null): Promise<void> {
  const looks = /^(?:npx triaged (?:list|show|history|effects list)|cat)\b/.test(command);
  let last = "";
  const run = async () => {
    const { said, ended } = shell.start(command);
    const code = await ended;
    last = `$ ${command}\n${said.all}\nexit code ${code}\nexpected:\n${output}`;
    return code === 0 && (output === null || isAsShown(said.stdout, output));
  };
  const isShown = looks
    ? await waitFor(run, { deadlineMs: 30_000 }).catch(() => false)
    : await run();
  if (!isShown) throw new Error(`the page shows something else:\n${last}`);
}

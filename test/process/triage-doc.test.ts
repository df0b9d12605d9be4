// Goal: a new user who follows docs/triage.md gets what the page says, from an empty folder to an
// issue on GitHub.
// Method: run all commands of the page, as they stand there and in their order, in a temporary
// folder against a real daemon; a server stands for GitHub, and keeps what it is sent. Output is
// compared line by line, where … stands for anything.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const PAGE = readFileSync(path.join(ROOT, "docs", "triage.md"), "utf8");
/** Starts the daemon, and stops the one before it. */
const START = /^\S+ npm start\n$/;

type Step = { readonly command: string; readonly output: string | null };

/** The commands of the page: a block of `sh` is one, each `$` of a `console` is one. */
function stepsOf(page: string): Step[] {
  return [...page.matchAll(/^```(sh|console)\n([^]*?)^```$/gm)].flatMap(([, kind, text = ""]) =>
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
function makeShell(folder: string, githubUrl: string) {
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
    // What the page leaves to its reader: a token, and GitHub.
    TOKEN: "t0ken",
    GITHUB_API_URL: githubUrl,
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

type Posted = { readonly path: string; readonly token: string; readonly issue: unknown };

/** A server that has no issues, and takes new ones. */
async function makeGithub() {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const isNew = request.method === "POST";
      if (isNew) {
        const { url: requested = "", headers } = request;
        const token = headers.authorization ?? "";
        posted.push({ path: requested, token, issue: JSON.parse(text) });
      }
      const number = posted.length;
      const issue = { number, html_url: `https://github.test/demo/shop/issues/${number}` };
      response.writeHead(isNew ? 201 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(isNew ? issue : []));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return { url: `http://127.0.0.1:${address.port}`, posted, close: () => server.close() };
}

test("the commands of the page lead from an empty folder to an issue on GitHub", {
  timeout: 400_000,
}, async () => {
  const steps = stepsOf(PAGE);
  const folder = await makeTemporaryFolder();
  const github = await makeGithub();
  const shell = makeShell(folder.path, github.url);
  expect(steps[0]?.command).toBe("EFFECTS_MODE=file npm start\n");
  expect(steps.filter(({ command }) => START.test(command))).toHaveLength(2);
  expect(steps.filter(({ output }) => output !== null).length).toBeGreaterThan(10);
  let daemon: ReturnType<Shell["start"]> | null = null;
  const stop = async () => {
    daemon?.stop("SIGTERM");
    await daemon?.ended;
  };
  try {
    for (const { command, output } of steps) {
      if (START.test(command)) {
        await stop();
        const started = shell.start(command);
        daemon = started;
        await waitFor(() => started.said.all.includes("triaged is up"), { deadlineMs: 60_000 });
      } else {
        await follow(shell, command, output);
      }
    }
  } finally {
    await stop();
    github.close();
    await folder.remove();
  }
  const [first] = github.posted;
  expect(first).toMatchObject({ path: "/repos/demo/shop/issues", token: "Bearer t0ken" });
  const { title, body, labels } = issueSchema.parse(first?.issue);
  expect({ title, labels }).toEqual({
    title: "⚠️ Dependency Update Required: demo/pay-api",
    labels: ["dependency", "enhancement"],
  });
  expect(body.replaceAll(/[0-9a-f]{12,64}/g, "SHA")).toBe(ISSUE);
});

const issueSchema = z.object({ title: z.string(), body: z.string(), labels: z.array(z.string()) });

const ISSUE = `\`demo/pay-api\` changed, and this repository depends on it.

## Key change

\`demo/pay-api@SHA\` breaks \`demo/shop\`: the service does not answer at port 8080 any more; use \`9090\` (\`src/pay.js:2\`).

**Urgency:** medium · **Confidence:** 90 %

## What to do

1. Verify: run the tests of \`demo/shop\` against \`demo/pay-api@SHA\`
2. \`src/pay.js:2\` the service does not answer at port 8080 any more; use \`9090\`

## Affected files

- \`src/pay.js\`

<details><summary>Technical details</summary>

1 breaking, 0 possibly breaking and 0 harmless changes found. Usage of \`demo/pay-api\` by \`demo/shop\`: confirmed.

Commit: \`SHA\`

Whole verdict, while the task is kept: \`triaged show 4\`

\`\`\`text
ops: listen at 9090
\`\`\`

</details>

<!-- triage-key: SHA -->
`;

type Shell = ReturnType<typeof makeShell>;

/** Run a command; one that only looks is run again until it shows what the page does. */
async function follow(shell: Shell, command: string, output: string | null): Promise<void> {
  const looks = /^(?:npx triaged (?:list|show|history|why|effects list)|cat)\b/.test(command);
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

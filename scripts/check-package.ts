// Does the published package work elsewhere? Packs it, installs it in an empty folder as a
// user would, and there: follows the links between its pages, looks for scripts that would run at
// an installation, checks a typed program against the declarations of both entries, which say
// nothing of what is internal, starts the daemon, enqueues a task for a handler of that folder,
// waits for its result, and loads the first page of the dashboard with its files.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { brokenLinks } from "./broken-links.ts";
import { installScripts } from "./install-scripts.ts";

const START_MS_MAX = 120_000;
/** For HTTP. Not the usual one, at which a daemon of this machine may listen. */
const PORT = 18_088;

const PROGRAM = `
import { createClient, defineHandler } from "triaged";
// @ts-expect-error -- It is there for the application of this package, and not declared.
import { databaseOf } from "triaged";
import { createTriageClient, type QueueStats } from "triaged/triage";
import type greet from "./tasks/greet.ts";

const client = createClient<{ greet: typeof greet }>();
const task = await client.enqueue("greet", { name: "Ada" });
// @ts-expect-error -- The payload has no such key.
const wrong = () => client.enqueue("greet", { nam: "Ada" });
const { result } = await client.wait(task, { timeoutMs: 30_000 });
const greeting: string | undefined = result?.greeting;
const stats: QueueStats = await createTriageClient(client).getQueueStats();
console.log(greeting, typeof wrong, typeof defineHandler, typeof databaseOf, stats.completed);
await client.close();
`;

const HANDLER = `
import { defineHandler } from "triaged";
import { z } from "zod";

export default defineHandler({
  payload: z.object({ name: z.string() }),
  result: z.object({ greeting: z.string() }),
  run: ({ name }) => ({ greeting: "hello " + name }),
});
`;

const root = path.join(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "triaged-package-"));
// Where this runs as root, the database runs as somebody else and must get in.
chmodSync(folder, 0o755);
let daemon: ChildProcess | undefined;
try {
  install();
  inspect(path.join(folder, "node_modules", "triaged"));
  writeProgram();
  say("types", run("npx", ["tsc", "--noEmit", "--strict", "--module", "nodenext", "main.ts"]));
  say("version", run("npx", ["triaged", "--version"]));
  // Without npx, which ends before what it started does.
  const program = path.join(folder, "node_modules", ".bin", "triaged");
  daemon = spawn("env", [`PORT=${PORT}`, program, "up"], { cwd: folder, stdio: "inherit" });
  await waitUntilUp();
  expect("library", run("node", ["main.ts"]), "hello Ada function function function 1");
  expect(
    "command",
    run("npx", ["triaged", "enqueue", "greet", '{"name": "Bob"}', "--wait", "--json"]),
    '"result":{"greeting":"hello Bob"}',
  );
  expect("HTTP", run("curl", ["-s", `http://127.0.0.1:${PORT}/ready`]), '"status":"ready"');
  checkPages();
} finally {
  await stop(daemon);
  rmSync(folder, { recursive: true, force: true });
}

function install(): void {
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: root, stdio: "inherit" });
  const [archive = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(path.join(folder, "package.json"), '{"private": true, "type": "module"}');
  run("npm", ["install", "--no-audit", "--no-fund", `./${archive}`, "@types/node"]);
}

/** What a user gets without running anything of it. */
function inspect(installed: string): void {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
  const broken = brokenLinks(installed, files);
  if (broken.length > 0) {
    throw new Error(`links of the package lead nowhere:\n${broken.join("\n")}`);
  }
  const manifest = readFileSync(path.join(installed, "package.json"), "utf8");
  const scripts = installScripts(JSON.parse(manifest), files);
  if (scripts.length > 0) {
    throw new Error(`an installation would run ${scripts.join(", ")}`);
  }
  say("links", "");
  for (const entry of ["index.d.ts", "triage/client.d.ts"]) {
    const text = readFileSync(path.join(installed, "dist", "src", entry), "utf8");
    const internal = /@internal|\b(?:askWith|databaseOf|readConfig)\b/.exec(text);
    if (internal !== null) {
      throw new Error(`${entry} declares what is internal: ${internal[0]}`);
    }
  }
  say("declarations", "");
}

function writeProgram(): void {
  mkdirSync(path.join(folder, "tasks"));
  writeFileSync(path.join(folder, "tasks", "greet.ts"), HANDLER);
  writeFileSync(path.join(folder, "main.ts"), PROGRAM);
}

/** The first page, and each file that it loads. */
function checkPages(): void {
  const page = run("curl", ["-sf", `http://127.0.0.1:${PORT}/ui`]);
  const files = [...page.matchAll(/(?:href|src)="(\/ui\/assets\/[^"]+)"/g)].map(
    ([, file = ""]) => file,
  );
  if (files.length < 3) {
    throw new Error(`expected the first page to load styles and scripts, got ${files.join(", ")}`);
  }
  for (const file of files) run("curl", ["-sf", "-o", "-", `http://127.0.0.1:${PORT}${file}`]);
  say("dashboard", `${files.length} files`);
}

async function waitUntilUp(): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    try {
      run("npx", ["triaged", "list"]);
      return;
    } catch (err) {
      if (performance.now() - startedMs > START_MS_MAX) {
        throw err;
      }
      await delay(500);
    }
  }
}

function run(command: string, words: readonly string[]): string {
  return execFileSync(command, words, { cwd: folder, encoding: "utf8", stdio: "pipe" });
}

/** Told to stop, it stops in good order. */
async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  if (child !== undefined && child.exitCode !== 0) {
    process.exitCode = 1;
    say("daemon", `expected it to exit with 0, got ${child.exitCode ?? child.signalCode}`);
  }
}

function expect(what: string, output: string, part: string): void {
  if (!output.includes(part)) {
    throw new Error(`${what}: expected ${part} in the output, got ${output}`);
  }
  say(what, output);
}

function say(what: string, output: string): void {
  process.stdout.write(`${what}: ${output.trim() || "fine"}\n`);
}

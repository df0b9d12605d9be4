import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ROLE_PREFIX } from "./migrate.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/triaged.js", import.meta.url));

/** How a command ended, and what it wrote. */
export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOptions = {
  /** The whole environment, beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on stdin. @default nothing */
  readonly input?: string;
  readonly cwd?: string;
};

/** A command that was started, as its user would start it. */
export type Running = {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it wrote so far. */
  readonly output: { stdout: string; stderr: string };
  readonly signal: (name: NodeJS.Signals) => void;
};

/** Start `triaged <words>`. Nothing of the environment of the tests gets through. */
export function startCli(words: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [LAUNCHER, ...words], {
    cwd: options.cwd,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      TZ: "UTC",
      TRIAGED_ROLE_PREFIX: ROLE_PREFIX,
      ...options.env,
    },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // A command that refuses its arguments does not read what it is given.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const ended = once(child, "close").then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
    ...output,
  }));
  return { pid: child.pid ?? 0, ended, output, signal: (name) => void child.kill(name) };
}

/** Run `triaged <words>` to its end. */
export async function runCli(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return await startCli(words, options).ended;
}

/** Run a command on a database, which must succeed, and parse what it prints. */
export async function runJson(url: string, words: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli([...words, "--json"], {
    env: { DATABASE_URL: url },
  });
  if (code !== 0) {
    throw new Error(`expected triaged ${words.join(" ")} to exit with 0, got ${code}: ${stderr}`);
  }
  return JSON.parse(stdout);
}

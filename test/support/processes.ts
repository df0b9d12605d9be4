/** Commands, workers and jobs of `triaged` as processes of their own, as their users start them. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { waitFor } from "./connections.ts";
import { ROLE_PREFIX } from "./databases.ts";
import type { StubServer } from "./http-servers.ts";

const LAUNCHER = path.join(import.meta.dirname, "..", "..", "bin", "triaged.js");

/** Handlers for tests: one for each way to end. */
export const HANDLERS = path.join(import.meta.dirname, "..", "fixtures", "handlers");

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

/** A real `triaged work`. */
export type WorkerProcess = {
  readonly pid: number;
  readonly exited: Promise<number | null>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** What it logged so far, a parsed line each. */
  readonly log: () => Record<string, unknown>[];
};

/** Start a worker on a database, and have it killed when the scope ends: `await using`. */
export function startWorkerProcess(
  databaseUrl: string,
  {
    args = [],
    env = {},
    tasks = HANDLERS,
  }: { args?: string[]; env?: NodeJS.ProcessEnv; tasks?: string } = {},
): WorkerProcess & AsyncDisposable {
  const child = spawn(process.execPath, [LAUNCHER, "work", "--tasks", tasks, ...args], {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      SHUTDOWN_GRACE_MS: "500",
      // Repositories that a test does not say the place of are nowhere, and not in the network.
      GITHUB_CLONE_BASE: "file:///nowhere",
      ...env,
    },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const lines = linesOf(child);
  // "close": its last lines are read by then.
  const exited = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  return {
    pid: child.pid ?? 0,
    exited,
    signal: (name) => {
      child.kill(name);
    },
    log: () => lines().flatMap(parseLine),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function linesOf(child: ChildProcess): () => string[] {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text.split("\n").filter(Boolean);
}

function parseLine(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [{ msg: line }];
  }
}

/** Work off what is due in a queue, with the handlers for tests; throws unless it exits 0. */
export async function drain(url: string, { queue = "default" } = {}): Promise<void> {
  const { code, stderr } = await runCli(
    ["work", "--drain", "--tasks", HANDLERS, "--queue", queue, "--name", "drainer"],
    { env: { DATABASE_URL: url, LOG_LEVEL: "error" } },
  );
  if (code !== 0) {
    throw new Error(`expected the worker to exit with 0, got ${code}: ${stderr}`);
  }
}

/** A `triaged jobs` that talks to the stub; killed when the scope ends. */
export function startJobsProcess(
  url: string,
  stub: StubServer,
  env: Record<string, string> = {},
): Running & AsyncDisposable & { readonly started: () => Promise<unknown> } {
  const jobs = startCli(["jobs"], {
    env: { DATABASE_URL: url, GITHUB_TOKEN: "gh-s3cret", GITHUB_API_URL: stub.url, ...env },
  });
  return {
    ...jobs,
    started: () =>
      waitFor(() => jobs.output.stderr.includes("jobs started"), { deadlineMs: 20_000 }),
    [Symbol.asyncDispose]: async () => {
      jobs.signal("SIGKILL");
      await jobs.ended;
    },
  };
}

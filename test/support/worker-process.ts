import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..", "..");
export const HANDLERS = path.join(ROOT, "test", "fixtures", "handlers");

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
  const child = spawn(
    process.execPath,
    [path.join(ROOT, "bin", "triaged.js"), "work", "--tasks", tasks, ...args],
    {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        SHUTDOWN_GRACE_MS: "500",
        // Repositories that a test does not say the place of are nowhere, and not in the network.
        GITHUB_CLONE_BASE: "file:///nowhere",
        ...env,
      },
      stdio: ["ignore", "inherit", "pipe"],
    },
  );
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

/** The process of an embedded server: how it starts and how it ends. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAlive, waitUntilGone } from "../../system/processes.ts";
import type { ServerUser } from "./home.ts";

/** A running server process. `exited` resolves when it is gone, however it went. */
export type Postmaster = { readonly pid: number; readonly exited: Promise<void> };

const STOP_DEADLINE_MS = 60_000;

/**
 * Start the server process in a session of its own: a Ctrl-C in the terminal must not stop
 * it before its clients. Its output goes to `logFile`, which is emptied first.
 */
export async function spawnPostmaster(
  program: string,
  args: readonly string[],
  {
    logFile,
    user,
    environment = {},
  }: {
    logFile: string;
    user: ServerUser;
    /** What its own commands need beside. */
    environment?: Readonly<Record<string, string>>;
  },
): Promise<Postmaster> {
  const log = await open(logFile, "w", 0o600);
  try {
    const child = spawn(program, args, {
      ...user,
      env: { ...environment, LC_ALL: "C" },
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await once(child, "spawn");
    return { pid: child.pid ?? 0, exited };
  } finally {
    await log.close();
  }
}

/**
 * Stop the server of this data folder, if one runs, and wait until it is gone. Clients are
 * disconnected and everything is written (a fast shutdown); a server that does not get
 * there in a minute is stopped as by a crash, which the next start repairs.
 */
export async function stopPostmaster(dataFolder: string): Promise<void> {
  const pidFile = join(dataFolder, "postmaster.pid");
  const pid = Number.parseInt(await readFile(pidFile, "utf8").catch(() => ""), 10);
  if (Number.isNaN(pid)) {
    return;
  }
  if (!(await isPostmaster(pid, dataFolder))) {
    // The server died, and its pid may be that of another process: one of the same user
    // would make the next start believe that a server runs.
    await rm(pidFile, { force: true });
    return;
  }
  signal(pid, "SIGINT");
  if (!(await waitUntilGone(pid, STOP_DEADLINE_MS))) {
    signal(pid, "SIGQUIT");
    await waitUntilGone(pid, STOP_DEADLINE_MS);
  }
}

/**
 * What the shell does when its input ends: let clients finish what they do, but nobody new
 * in, and disconnect who is still there after 45 s, more than workers have to wind down.
 */
const WATCH = `read -r _
kill -TERM "$0"
seconds=0
while [ $seconds -lt 45 ] && kill -0 "$0"; do
  sleep 1
  seconds=$((seconds + 1))
done
kill -INT "$0"`;

/**
 * Stop the server when this process dies, even by kill -9: a shell waits at the other end of
 * a pipe that closes then. Resolves to the function that ends the watch. It names the pid,
 * not the folder, so that it cannot stop a server that was started later.
 */
export async function stopWithThisProcess(
  pid: number,
  user: ServerUser,
): Promise<() => Promise<void>> {
  const child = spawn("/bin/sh", ["-c", WATCH, String(pid)], {
    ...user,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await once(child, "spawn");
  return async () => {
    child.kill("SIGKILL");
    await exited;
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (isAlive(pid)) {
    process.kill(pid, name);
  }
}

const run = promisify(execFile);

/** Whether the process is a PostgreSQL server that works in this data folder. */
async function isPostmaster(pid: number, dataFolder: string): Promise<boolean> {
  try {
    if (process.platform !== "linux") {
      return (await run("ps", ["-o", "comm=", "-p", String(pid)])).stdout.includes("postgres");
    }
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataFolder));
  } catch {
    return false;
  }
}

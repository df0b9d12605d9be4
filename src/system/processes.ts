import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { hasCode } from "../model/errors.ts";

const run = promisify(execFile);

/** Whether a process of this id exists, also when it belongs to another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (err) {
    return hasCode(err, "EPERM");
  }
}

/** Resolves to true when the process is gone, to false when `deadlineMs` passed before. */
export async function waitUntilGone(pid: number, deadlineMs: number): Promise<boolean> {
  const deadline = Date.now() + deadlineMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) {
      return false;
    }
    await delay(20);
  }
  return true;
}

/**
 * When the process started, as an opaque text; empty where the system does not say. With
 * the pid it names one process for ever: pids alone are used again, in containers at once.
 */
export async function processStartTime(pid: number): Promise<string> {
  try {
    if (process.platform !== "linux") {
      return (await run("ps", ["-o", "lstart=", "-p", String(pid)])).stdout.trim();
    }
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // Field 22. Counted behind the last bracket, since the name before it may hold blanks.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

import { execFile } from "node:child_process";
import { readlink, realpath } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether the process is a PostgreSQL server that works in this data folder. */
export async function isPostmaster(pid: number, dataFolder: string): Promise<boolean> {
  try {
    if (process.platform !== "linux") {
      return (await run("ps", ["-o", "comm=", "-p", String(pid)])).stdout.includes("postgres");
    }
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataFolder));
  } catch {
    return false;
  }
}

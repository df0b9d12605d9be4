import { type ChildProcess, execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Run a program to its end; throws with what it said unless that is 0. */
export async function run([program = "", ...words]: readonly string[]): Promise<void> {
  await execute(program, words);
}

/** A process with its command line. */
export type Process = { readonly pid: number; readonly command: string };

/** The children of a process that are there at this moment. Linux. */
export async function childrenOf(pid: number): Promise<Process[]> {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = listed.split(" ").map(Number).filter(Boolean);
  return await Promise.all(
    pids.map(async (child) => ({
      pid: child,
      command: await readFile(`/proc/${child}/cmdline`, "utf8").then(
        (text) => text.replaceAll("\0", " "),
        () => "",
      ),
    })),
  );
}

/** Send a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Resolves when the child is gone, also when it is already. */
export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (isRunning(child)) {
      child.once("exit", () => resolve());
    } else {
      resolve();
    }
  });
}

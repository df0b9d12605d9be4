import { spawn } from "node:child_process";
import { once } from "node:events";

/** A process to run: `name` for the log, the program and its arguments. */
export type Program = { readonly name: string; readonly argv: readonly [string, ...string[]] };

/** How a process ended: one of the two is null. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Child = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Does nothing when it is gone. */
  readonly signal: (name: NodeJS.Signals) => void;
};

/**
 * Start a program. It gets a session of its own, so that Ctrl-C reaches the supervisor
 * alone, which knows the order to stop in, and a channel that tells it when the supervisor
 * is gone (parent.ts). It writes to the streams of this process directly: a pipe would
 * break when this process is killed, just when it has something to say. Throws when the
 * program cannot be started.
 */
export async function startChild({ argv: [file, ...args] }: Program): Promise<Child> {
  const child = spawn(file, args, {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn");
  // Later errors are those of the channel, which only tells that one side is gone.
  child.on("error", () => undefined);
  return { pid: child.pid ?? 0, exited, signal: (name) => void child.kill(name) };
}

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { HANDLERS } from "./worker-process.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");

export function supervisordIsInstalled(): boolean {
  return spawnSync("supervisord", ["--version"]).status === 0;
}

/** A supervisord that runs our supervisord.conf. */
export type Supervisord = {
  /** The state of each process by name, such as `worker:worker_00` → `RUNNING`. */
  readonly states: () => Record<string, string>;
  /** What it and its processes wrote. */
  readonly output: () => Promise<string>;
  /** Send SIGTERM and wait; resolves to its exit code. */
  readonly stop: () => Promise<number | null>;
};

/**
 * Start supervisord, with its socket and its output in `folder`, and have it stopped when
 * the scope ends: `await using`. The output is a file, because supervisord opens /dev/fd/1
 * anew, which the system does not allow for the sockets that Node gives a child; it is
 * appended to, because each opener has a place of its own in it.
 */
export async function startSupervisord(
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Supervisord & AsyncDisposable> {
  const config = path.join(folder, "supervisord.conf");
  const outputFile = path.join(folder, "output");
  const given = await readFile(path.join(ROOT, "supervisord.conf"), "utf8");
  await writeFile(config, given.replaceAll("/tmp/", `${folder}/`).replaceAll("%(here)s", ROOT));
  const output = await open(outputFile, "a");
  const child = spawn("supervisord", ["-c", config], {
    env: {
      ...process.env,
      PATH: `${path.dirname(process.execPath)}:${process.env["PATH"]}`,
      TASKS_DIR: HANDLERS,
      ...env,
    },
    stdio: ["ignore", output.fd, output.fd],
  });
  const exited = once(child, "exit").then(([code]: (number | null)[]) => code ?? null);
  await output.close();
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  return {
    states: () => statesIn(spawnSync("supervisorctl", ["-c", config, "status"]).stdout.toString()),
    output: () => readFile(outputFile, "utf8"),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function statesIn(status: string): Record<string, string> {
  const lines = status.split("\n").map((line) => line.split(/\s+/));
  return Object.fromEntries(
    lines.flatMap(([name, state]) => (name && state ? [[name, state]] : [])),
  );
}

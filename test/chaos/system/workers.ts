import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { waitAtMost } from "../../../src/system/wait-at-most.ts";
import type { Host } from "./network.ts";
import { childrenOf, endOf, isRunning, signal } from "./processes.ts";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const STOP_MS_MAX = 20_000;

/** The workers of a host, under a supervisord with the configuration that we ship. */
export type Workers = AsyncDisposable & {
  readonly host: Host;
  /** Of the worker processes that are there at this moment. */
  readonly pids: () => Promise<number[]>;
};

/** Start them; what they and their supervisor write goes to a file in `folder`. */
export async function startWorkers(
  host: Host,
  { folder, env, jobs }: { folder: string; env: Readonly<Record<string, string>>; jobs: boolean },
): Promise<Workers> {
  await mkdir(folder, { recursive: true });
  const config = path.join(folder, "supervisord.conf");
  const shipped = await readFile(path.join(ROOT, "supervisord.conf"), "utf8");
  const placed = shipped.replaceAll("/tmp/", `${folder}/`).replaceAll("%(here)s", ROOT);
  // The jobs need a session, which those behind a pooler do not have. Nobody asks by HTTP, and
  // hosts that are not apart by namespaces have one port.
  const without = jobs ? ["web"] : ["web", "jobs"];
  const kept = without.reduce(
    (text, name) => text.replace(new RegExp(`\\[program:${name}\\][^[]*`), ""),
    placed,
  );
  await writeFile(config, kept);
  const [program = "", ...words] = host.within(["supervisord", "-c", config]);
  // A file, appended to: supervisord opens its own output anew, which no pipe of Node allows.
  const output = await open(path.join(folder, "output"), "a");
  const child = spawn(program, words, { env, stdio: ["ignore", output.fd, output.fd] });
  await once(child, "spawn");
  await output.close();
  const processes = () => childrenOf(child.pid ?? 0);
  return {
    host,
    pids: async () =>
      (await processes()).flatMap(({ pid, command }) => (/ work\b/.test(command) ? [pid] : [])),
    [Symbol.asyncDispose]: async () => {
      for (const { pid } of await processes()) {
        signal(pid, "SIGCONT");
      }
      child.kill("SIGTERM");
      await waitAtMost(STOP_MS_MAX, endOf(child));
      // Read while their parent lives: after it, nobody says whose they are.
      const left = isRunning(child) ? await processes() : [];
      child.kill("SIGKILL");
      for (const { pid } of left) {
        signal(pid, "SIGKILL");
      }
      await endOf(child);
    },
  };
}

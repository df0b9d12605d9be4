import { readdirSync, readFileSync } from "node:fs";
import type { Client } from "pg";

/** In /proc, times are in hundredths of a second on every Linux. */
const TICKS_PER_SECOND = 100;

/**
 * Processor seconds that a process and all its descendants have used, the ended ones that were
 * waited for included. Linux alone. Throws where the process is gone.
 */
export function processorSeconds(pid: number): number {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const root = all.find((stat) => stat.pid === pid);
  if (root === undefined) {
    throw new Error(`expected process ${pid} to run, it is gone`);
  }
  const family = [root];
  // Grows while it is walked: children follow their parents.
  for (const parent of family) {
    family.push(...all.filter((stat) => stat.parent === parent.pid));
  }
  return family.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** Memory of a process that is in RAM, in megabytes (10^6 bytes). */
export function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) {
    throw new Error(`expected process ${pid} to run, it is gone`);
  }
  return (Number(kibibytes) * 1024) / 1e6;
}

/** The process whose children are the server's processes. Throws unless it is on this machine. */
export async function postmasterOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const backend = statOf(rows[0]?.pid ?? 0);
  if (backend === null || !/postgres/.test(backend.name)) {
    throw new Error("expected the server on this machine (Linux), to see its processor time");
  }
  return backend.parent;
}

/** See proc(5). The name may hold blanks and brackets. Null where there is no such process. */
function statOf(pid: number) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const [, parent, , , , , , , , , , ...times] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // utime, stime, and those of the children that ended.
    const ticks = times.slice(0, 4).reduce((sum, each) => sum + Number(each), 0);
    return { pid, name, parent: Number(parent), ticks };
  } catch {
    return null;
  }
}

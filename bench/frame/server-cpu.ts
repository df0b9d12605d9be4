import { readdirSync, readFileSync } from "node:fs";
import type { Client } from "pg";

/** Of /proc: the unit of its times. Linux shows the same to all programs. */
const TICK_MS = 10;

/** Processor time that the server has taken so far, in milliseconds, with all its processes. */
export type ServerCpu = () => number;

/**
 * A meter of the server behind this connection. Null where its processes cannot be seen: it
 * is on another machine, or this one is no Linux.
 */
export async function openServerCpu(client: Client): Promise<ServerCpu | null> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const backend = readProcess(rows[0]?.pid ?? 0);
  const postmaster = backend?.name === "postgres" ? readProcess(backend.parent) : null;
  if (postmaster === null) {
    return null;
  }
  return () => {
    // The times of children that ended are the postmaster's; so none is lost in between.
    const now = readProcess(postmaster.pid);
    const children = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readProcess(Number(name)))
      .filter((process) => process?.parent === postmaster.pid);
    const ticks = children.reduce(
      (sum, child) => sum + (child?.ticks ?? 0),
      (now?.ticks ?? 0) + (now?.ticksOfEnded ?? 0),
    );
    return ticks * TICK_MS;
  };
}

/** Null where there is no such process. */
function readProcess(pid: number) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)/s.exec(stat) ?? [];
    // man 5 proc_pid_stat: the fields from the third on.
    const fields = rest.split(" ").map(Number);
    const [, parent = 0] = fields;
    const [own, ownInKernel, ended, endedInKernel] = fields.slice(11, 15);
    return {
      pid,
      name,
      parent,
      ticks: (own ?? 0) + (ownInKernel ?? 0),
      ticksOfEnded: (ended ?? 0) + (endedInKernel ?? 0),
    };
  } catch {
    return null;
  }
}

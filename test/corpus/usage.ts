// What a process and those that it starts take of the machine. It reads /proc, so that it tells
// nothing of other processes than this one where there is none.
import { readdirSync, readFileSync } from "node:fs";

const INTERVAL_MS = 25;
/** Of the clock in which Linux tells processor time to programs. */
const TICKS_PER_SECOND = 100;

/**
 * Watch the memory of this process and of those that it starts. `stop` returns the most that one of
 * them has held at a time, in MiB.
 */
export function watchMemory(): { stop: () => number } {
  let peakKib = 0;
  const look = (): void => {
    for (const pid of descendants(String(process.pid))) {
      const [, kib = "0"] = /^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`)) ?? [];
      peakKib = Math.max(peakKib, Number(kib));
    }
  };
  const timer = setInterval(look, INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.round(Math.max(peakKib, process.resourceUsage().maxRSS) / 1_024);
    },
  };
}

function descendants(pid: string): string[] {
  const children = tasksOf(pid).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`)
      .split(" ")
      .filter((child) => child !== ""),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function tasksOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

/** Of this process and of all that it started, whether it goes on or not. */
export function cpuSecondsWithChildren(): number {
  const { user, system } = process.cpuUsage();
  const [, ended] = ticksOf("self");
  const going = descendants(String(process.pid)).map(ticksOf);
  const ticks = going.reduce((sum, [own, ofChildren]) => sum + own + ofChildren, ended);
  return (user + system) / 1_000_000 + ticks / TICKS_PER_SECOND;
}

/** Processor time of a process in user and system mode, and the same of its ended children. */
function ticksOf(pid: string): [own: number, ofChildren: number] {
  // After the name, which is in parentheses: utime to cstime are fields 14 to 17 of all.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  const [user = 0, system = 0, ofUser = 0, ofSystem = 0] = fields.slice(11, 15).map(Number);
  return [user + system, ofUser + ofSystem];
}

/** "" for what is not there any more. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

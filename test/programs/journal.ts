import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Program } from "../../src/supervisor/supervise.ts";

const SUPERVISED = fileURLToPath(new URL("supervised.ts", import.meta.url));

/** A program that notes what happens to it; see supervised.ts for the behaviours. */
export function supervised(name: string, journal: string, behaviour: string): Program {
  return { name, argv: [process.execPath, SUPERVISED, name, journal, behaviour] };
}

/** What was noted so far, without the pids. */
export function notes(journal: string): string[] {
  return lines(journal).map((line) => line.replace(/ \d+$/, ""));
}

/** The pids under which a process of this name was started, oldest first. */
export function pidsOf(journal: string, name: string): number[] {
  return lines(journal)
    .filter((line) => line.startsWith(`${name} started `))
    .map((line) => Number(line.split(" ").at(-1)));
}

function lines(journal: string): string[] {
  try {
    return readFileSync(journal, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

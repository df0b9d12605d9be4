// Items of which a process that reads ends, by name.

import { writeFileSync } from "node:fs";

/** Gives a reader that does what an item names, after it has written its pid into a file. */
export function makeBomb(pidFile: string | null): (item: string) => unknown {
  if (pidFile !== null) writeFileSync(pidFile, String(process.pid));
  return (item) => {
    const bomb = BOMBS[item];
    return bomb === undefined ? item : bomb();
  };
}

const BOMBS: Readonly<Record<string, () => unknown>> = {
  "a map that doubles": () => {
    const map = new Map<number, number>();
    for (let at = 0; ; at += 1) map.set(at, at);
  },
  // 80 MB at once: of a thread, this ends the process.
  "a large array": () => {
    const kept: number[][] = [];
    // oxlint-disable-next-line unicorn/no-new-array -- one allocation, of a length
    for (;;) kept.push(new Array<number>(10_000_000).fill(1.5));
  },
  "text that is flattened": () => {
    const kept: string[] = [];
    for (let at = 0; ; at += 1) {
      const text = `${at}é✓`.repeat(4_000_000);
      kept.push(JSON.stringify([text]));
    }
  },
  "objects without end": () => {
    let last: object | null = null;
    for (;;) last = { last };
  },
  "an abort of the engine": () => process.abort(),
  "a stack that is full": () => {
    process.kill(process.pid, "SIGSEGV");
    for (;;);
  },
  "a kill by the system": () => {
    process.kill(process.pid, "SIGKILL");
    for (;;);
  },
  "an end of its own": () => process.exit(3),
  "a loop": () => {
    for (;;);
  },
  "its pid": () => String(process.pid),
  "its environment": () => Object.keys(process.env),
  "its options": () => process.execArgv,
};

// Goal: whatever a text does to what reads it, the worker and its other tasks go on; and what
// reads ends with its worker. Method: bombs in real processes, by readEach.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base, expect, onTestFinished, vi } from "vitest";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { type Reading, readEach } from "../../../../src/triage/reading/read-each.ts";
import { lendFolder } from "../../../support/folders-and-ports.ts";

const test = base.extend<{ folder: string }>({ folder: lendFolder });
const SLOW = { timeout: 120_000 };
const PROGRAMS = join(import.meta.dirname, "..", "..", "..", "programs");
const BOMBS: Reading<string | null, string, string | string[]> = {
  module: import.meta.resolve("../../../programs/bombs.ts"),
  name: "makeBomb",
};
const signal = new AbortController().signal;
const limits = { readingMs: 60_000, readingsMs: 120_000, readingHeapMib: 64 };

test.for([
  ["a map that doubles", "it took more than 64 MiB"],
  ["a large array", "it took more than 64 MiB"],
  ["text that is flattened", "it took more than 64 MiB"],
  ["objects without end", "it took more than 64 MiB"],
  ["an abort of the engine", "it took more than 64 MiB"],
  ["a stack that is full", "it is nested too deeply, or too large"],
] as const)("%s costs the item alone", SLOW, async ([bomb, why]) => {
  const items = ["before", bomb, "behind"];

  expect(await readEach(BOMBS, { shared: null, items }, { signal, limits })).toEqual([
    { value: "before" },
    { leftOut: why },
    { value: "behind" },
  ]);
});

test.for([
  ["a kill by the system", "a process that reads ended with SIGKILL, without an answer"],
  ["an end of its own", "a process that reads ended with code 3, without an answer"],
] as const)(
  "%s is no fault of the text, which may be read the next time",
  SLOW,
  async ([bomb, message]) => {
    const items = ["before", bomb];

    await expect(readEach(BOMBS, { shared: null, items }, { signal, limits })).rejects.toThrow(
      message,
    );
  },
);

test("a process that cannot be started is an error that says why", async () => {
  const module = import.meta.resolve("../../../programs/no-such-file.ts");

  await expect(
    readEach({ ...BOMBS, module }, { shared: null, items: ["a"] }, { signal }),
  ).rejects.toThrow(/Cannot find module .*no-such-file/);
});

test("a process that reads keeps the young part of its heap small", async () => {
  const [read] = await readEach(BOMBS, { shared: null, items: ["its options"] }, { signal });

  expect(read).toEqual({
    value: expect.arrayContaining([`--max-semi-space-size=${LIMITS.semiSpaceMib}`]),
  });
});

test("a process that reads has no secret of its worker", async () => {
  vi.stubEnv("GITHUB_TOKEN", "a secret");
  vi.stubEnv("NODE_OPTIONS", "--no-such-option");
  onTestFinished(() => void vi.unstubAllEnvs());

  const [read] = await readEach(BOMBS, { shared: null, items: ["its environment"] }, { signal });

  const allowed = ["PATH", "HOME", "TMPDIR", "NODE_COMPILE_CACHE"];
  const ofChannel = [
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE",
    "PWD",
    "OLDPWD",
    "_",
    "SHLVL",
  ];
  const names = read !== undefined && "value" in read ? read.value : [];
  expect([names].flat().filter((name) => ![...allowed, ...ofChannel].includes(name))).toEqual([]);
  expect(names).toContain("PATH");
});

test("a process that has answered answers the next request", async () => {
  expect(await pidOf(["its pid"])).toBe(await pidOf(["its pid"]));
});

test("a process that was ended answers no more", SLOW, async () => {
  const first = await pidOf(["its pid"]);
  const [, bomb] = await readEach(
    BOMBS,
    { shared: null, items: ["its pid", "a loop"] },
    { signal, limits: { readingMs: 500 } },
  );

  expect(bomb).toEqual({ leftOut: "it took longer than 500 ms" });
  expect(await pidOf(["its pid"])).not.toBe(first);
});

test("two that ask at the same time have a process each", async () => {
  const [one, other] = await Promise.all([pidOf(["its pid"]), pidOf(["its pid"])]);

  expect(one).not.toBe(other);
});

test("a process answers so many requests, and another one the next", SLOW, async () => {
  const pids = new Set<number>();
  for (let at = 0; at <= LIMITS.processRequests; at += 1) pids.add(await pidOf(["its pid"]));

  expect(pids.size).toBe(2);
});

test("a process that nobody asks again ends", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const pid = await pidOf(["its pid"]);
  expect(isAlive(pid)).toBe(true);

  vi.advanceTimersByTime(LIMITS.processIdleMs);
  vi.useRealTimers();

  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
});

test(
  "a process that reads is gone after its worker was killed with SIGKILL",
  SLOW,
  async ({ folder }) => {
    const pidFile = join(folder, "pid");
    const worker = spawn(process.execPath, [join(PROGRAMS, "read-without-end.ts"), pidFile], {
      stdio: "ignore",
    });
    const exited = once(worker, "exit");
    const pid = await vi.waitUntil(
      async () => Number(await readFile(pidFile, "utf8").catch(() => "")),
      {
        timeout: 20_000,
      },
    );
    expect(isAlive(pid)).toBe(true);

    worker.kill("SIGKILL");
    await exited;

    await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
  },
);

async function pidOf(items: readonly string[]): Promise<number> {
  const [read] = await readEach(BOMBS, { shared: null, items }, { signal });
  return read !== undefined && "value" in read ? Number(read.value) : 0;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

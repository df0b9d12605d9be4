import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { test as base, expect } from "vitest";
import type { ProgramGroup, RestartLimits } from "../../src/supervisor/supervise.ts";
import { supervise } from "../../src/supervisor/supervise.ts";
import { waitUntilGone } from "../../src/system/processes.ts";
import { notes, pidsOf, supervised } from "../programs/journal.ts";
import { found, waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";

const SUPERVISING = fileURLToPath(new URL("../programs/supervising.ts", import.meta.url));
const LIMITS: RestartLimits = { waitMinMs: 10, waitMaxMs: 40, wellAfterMs: 60_000 };

const test = base.extend<{ journal: string }>({
  journal: async ({}, use) => {
    const { path, remove } = await makeTemporaryFolder();
    await use(join(path, "journal"));
    await remove();
  },
});

test("a killed program runs again, and the others go on", async ({ journal }) => {
  const up = start([group(supervised("one", journal, "run"), supervised("two", journal, "run"))]);
  await waitFor(() => notes(journal).length === 2);

  process.kill(found(pidsOf(journal, "one")[0]), "SIGKILL");

  await waitFor(() => pidsOf(journal, "one").length === 2);
  up.stop();
  expect(await up.ended).toBe(0);
  expect(pidsOf(journal, "two")).toHaveLength(1);
  expect(new Set(pidsOf(journal, "one")).size).toBe(2);
});

test("a program that somebody else stops runs again", async ({ journal }) => {
  const up = start([group(supervised("one", journal, "run"))]);
  await waitFor(() => notes(journal).length === 1);

  process.kill(found(pidsOf(journal, "one")[0]), "SIGTERM");

  await waitFor(() => pidsOf(journal, "one").length === 2);
  up.stop();
  expect(await up.ended).toBe(0);
});

test("a program that keeps dying is started ever more rarely", async ({ journal }) => {
  const up = start([group(supervised("one", journal, "1"))]);

  await waitFor(() => up.waits.length >= 4);

  up.stop();
  expect(await up.ended).toBe(0);
  expect(up.waits.slice(0, 4)).toEqual([10, 20, 40, 40]);
});

test("a program that was well for a while begins with the shortest wait", async ({ journal }) => {
  const up = start([group(supervised("one", journal, "0"))], { ...LIMITS, wellAfterMs: 0 });

  await waitFor(() => up.waits.length >= 3);

  up.stop();
  expect(await up.ended).toBe(0);
  expect(up.waits.slice(0, 3)).toEqual([10, 10, 10]);
});

test.for([64, 78])("exit code %i stops the rest and is handed on", async (code, { journal }) => {
  const lateEnd = `until grep -q "one started" ${journal}; do sleep 0.02; done
    echo "two started $$" >> ${journal}
    exit ${code}`;
  const up = start([
    group(supervised("one", journal, "run")),
    group({ name: "two", argv: ["/bin/sh", "-c", lateEnd] }),
  ]);

  expect(await up.ended).toBe(code);

  expect(pidsOf(journal, "two")).toHaveLength(1);
  expect(await waitUntilGone(found(pidsOf(journal, "one")[0]), 0)).toBe(true);
});

test("a group is stopped when the one before it is gone", async ({ journal }) => {
  const up = start([
    group(supervised("one", journal, "run")),
    group(supervised("two", journal, "run")),
  ]);
  await waitFor(() => notes(journal).length === 2);

  up.stop();
  await up.ended;

  expect(notes(journal).slice(2)).toEqual([
    "one told to stop",
    "one stopped",
    "two told to stop",
    "two stopped",
  ]);
});

test("a program that does not stop in its time is killed", async ({ journal }) => {
  const up = start([{ programs: [supervised("one", journal, "deaf")], graceMs: 200 }]);
  await waitFor(() => notes(journal).length === 1);

  up.stop();

  expect(await up.ended).toBe(0);
  expect(notes(journal)).toEqual(["one started", "one told to stop"]);
});

test("a program that cannot be started ends the supervision", async ({ journal }) => {
  const up = start([
    group(supervised("one", journal, "run")),
    group({ name: "two", argv: ["/nowhere/program"] }),
  ]);

  await expect(up.ended).rejects.toMatchObject({ code: "ENOENT" });
});

test("nothing is started after a stop", async ({ journal }) => {
  const code = await supervise([group(supervised("one", journal, "run"))], {
    logger: pino({ level: "silent" }),
    stop: AbortSignal.abort(),
    kill: new AbortController().signal,
  });

  expect(code).toBe(0);
  expect(notes(journal)).toEqual([]);
});

test("programs stop when their supervisor is killed", async ({ journal }) => {
  const supervisor = spawn(process.execPath, [SUPERVISING, journal], { stdio: "inherit" });
  await waitFor(() => notes(journal).length === 2);

  supervisor.kill("SIGKILL");

  for (const name of ["first", "second"]) {
    expect(await waitUntilGone(found(pidsOf(journal, name)[0]), 10_000)).toBe(true);
  }
  expect(notes(journal).toSorted().slice(0, 2)).toEqual(["first left alone", "first started"]);
});

test("two Ctrl-C at once are one, and a later one kills", async ({ journal }) => {
  const supervisor = spawn(process.execPath, [SUPERVISING, journal, "deaf"], { stdio: "inherit" });
  const exited = once(supervisor, "exit");
  await waitFor(() => notes(journal).length === 2);
  supervisor.kill("SIGINT");
  supervisor.kill("SIGINT");
  await waitFor(() => notes(journal).includes("first told to stop"));
  const asked = performance.now();

  // A person's second one: some time later. It may take several, if this test is slow.
  const again = setInterval(() => supervisor.kill("SIGINT"), 100);

  expect(await exited).toEqual([0, null]);
  clearInterval(again);
  expect(performance.now() - asked).toBeGreaterThan(300);
  expect(notes(journal)).not.toContain("first stopped");
});

function group(...programs: ProgramGroup["programs"]): ProgramGroup {
  return { programs, graceMs: 10_000 };
}

/** A supervision under way. `waits` are those before each further start, in milliseconds. */
function start(groups: readonly ProgramGroup[], limits = LIMITS) {
  const stopping = new AbortController();
  const waits: number[] = [];
  const logger = pino(
    {},
    {
      write(line) {
        const { waitMs } = JSON.parse(line);
        if (waitMs !== undefined) {
          waits.push(waitMs);
        }
      },
    },
  );
  const ended = supervise(groups, {
    logger,
    limits,
    stop: stopping.signal,
    kill: new AbortController().signal,
  });
  // Tests that wait for something else first must not be ended by an early rejection.
  ended.catch(() => undefined);
  return { waits, ended, stop: () => stopping.abort() };
}

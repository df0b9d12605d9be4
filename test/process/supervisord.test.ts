// Goal: under the supervisord.conf that we ship, a killed worker comes back, and one that
// waits for a person does not spin. Needs supervisord, which is no npm package.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect } from "vitest";
import { waitUntilGone } from "../../src/system/processes.ts";
import { test as base, waitFor } from "../support/connections.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { HANDLERS } from "../support/processes.ts";
import { enqueue, queryOne, readStory, waitForStatus } from "../support/tasks.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");

function supervisordIsInstalled(): boolean {
  return spawnSync("supervisord", ["--version"]).status === 0;
}

/** A supervisord that runs our supervisord.conf. */
type Supervisord = {
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
async function startSupervisord(
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

const test = base.extend<{ folder: string }>({
  folder: lendFolder,
});

beforeEach(({ skip }) =>
  skip(!supervisordIsInstalled(), "supervisord is not installed (apt-get install supervisor)"),
);

const ALIVE = "select pid from triaged.workers where ended_at is null order by worker_id";

test("a worker that is killed comes back, and its task runs again", async ({
  url,
  client,
  folder,
}) => {
  const alive = async () => (await client.query<{ pid: number }>(ALIVE)).rows.map(({ pid }) => pid);
  await using supervisord = await startSupervisord(folder, { DATABASE_URL: url });
  await waitFor(async () => (await alive()).length === 2, { deadlineMs: 20_000 });
  const taskId = await enqueue(client, { task_type: "wait", payload: { ms: 2_000 } });
  await waitForStatus(client, taskId, "started");
  const { pid } = await queryOne<{ pid: number }>(
    client,
    "select pid from triaged.workers join triaged.tasks using (worker_id) where task_id = $1",
    [taskId],
  );
  const before = await alive();

  process.kill(pid, "SIGKILL");

  expect(await waitForStatus(client, taskId, "finished")).toMatchObject({ attempt_count: 2 });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "rescue queued",
    "claim started",
    "finish finished",
  ]);
  const after = await waitFor(async () => {
    const pids = await alive();
    return pids.length === 2 && !pids.includes(pid) && pids;
  });
  expect(before.filter((each) => after.includes(each))).toHaveLength(1);
  expect(supervisord.states()).toMatchObject({
    "worker:worker_00": "RUNNING",
    "worker:worker_01": "RUNNING",
  });
  expect(supervisord.states()).toMatchObject({ rescue: "RUNNING" });
});

test("a worker that somebody else stops comes back", async ({ url, client, folder }) => {
  const alive = async () => (await client.query<{ pid: number }>(ALIVE)).rows.map(({ pid }) => pid);
  await using supervisord = await startSupervisord(folder, { DATABASE_URL: url });
  const before = await waitFor(
    async () => {
      const pids = await alive();
      return pids.length === 2 && pids;
    },
    { deadlineMs: 20_000 },
  );

  process.kill(before[0] ?? 0, "SIGTERM");

  const after = await waitFor(
    async () => {
      const pids = await alive();
      return pids.length === 2 && !pids.includes(before[0] ?? 0) && pids;
    },
    { deadlineMs: 20_000 },
  );
  expect(after).toContain(before[1]);
  expect(supervisord.states()).toMatchObject({
    "worker:worker_00": "RUNNING",
    "worker:worker_01": "RUNNING",
  });
});

test("workers that are stopped say goodbye", async ({ url, client, folder }) => {
  await using supervisord = await startSupervisord(folder, { DATABASE_URL: url });
  const pids = await waitFor(
    async () => {
      const { rows } = await client.query<{ pid: number }>(ALIVE);
      return rows.length === 2 && rows.map(({ pid }) => pid);
    },
    { deadlineMs: 20_000 },
  );

  expect(await supervisord.stop()).toBe(0);

  expect((await client.query(ALIVE)).rows).toEqual([]);
  expect(await Promise.all(pids.map((pid) => waitUntilGone(pid, 0)))).toEqual([true, true]);
});

test("workers whose settings are wrong are started once, and wait for a person", async ({
  url,
  folder,
}) => {
  await using supervisord = await startSupervisord(folder, {
    DATABASE_URL: url,
    TASKS_DIR: "/nowhere/tasks",
  });

  await waitFor(
    () => {
      const states = supervisord.states();
      return states["worker:worker_00"] === "EXITED" && states["worker:worker_01"] === "EXITED";
    },
    { deadlineMs: 20_000 },
  );

  // The shutdown takes supervisord several rounds, in which it would start them again.
  expect(await supervisord.stop()).toBe(0);
  const complaints = (await supervisord.output())
    .split("\n")
    .filter((line) => line.includes("/nowhere/tasks"));
  expect(complaints).toHaveLength(2);
});

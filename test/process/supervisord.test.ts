// Goal: under the supervisord.conf that we ship, a killed worker comes back, and one that
// waits for a person does not spin. Needs supervisord, which is no npm package.

import { beforeEach, expect } from "vitest";
import { waitUntilGone } from "../../src/system/processes.ts";
import { waitFor } from "../support/db.ts";
import { startSupervisord, supervisordIsInstalled } from "../support/supervisord.ts";
import { enqueue, queryOne } from "../support/tasks.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { test as base, readStory, waitForStatus } from "../support/worker-test.ts";

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const { path, remove } = await makeTemporaryFolder();
    await use(path);
    await remove();
  },
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

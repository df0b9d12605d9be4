// Goal: one value for SQL, jobs and commands, whatever the environments of their hosts say.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makePartition, partitionOf, partitionsOf } from "../support/jobs.ts";
import { runCli, runJson } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

test("settings shows what is in force, and who changed it", async ({ url }) => {
  expect(await runJson(url, ["settings"])).toEqual([
    expect.objectContaining({ name: "task_retention_days", value: 7, changed_at: null }),
    expect.objectContaining({ name: "history_retention_days", value: 90, changed_at: null }),
    expect.objectContaining({ name: "audit_retention_days", value: 365, changed_at: null }),
  ]);

  const set = await runCli(["settings", "set", "history_retention_days", "0"], {
    env: { DATABASE_URL: url },
  });
  expect(set).toMatchObject({ code: 0, stdout: "history_retention_days is 0\n" });
  expect(await runJson(url, ["settings", "set", "history_retention_days", "0"])).toEqual({
    name: "history_retention_days",
    value: 0,
    outcome: "unchanged",
  });

  const shown = await runCli(["settings"], { env: { DATABASE_URL: url } });
  expect(shown.stdout).toMatch(/history_retention_days +0 +\d{4}-.* cli /);
});

test.for([
  ["set", "history_retention_days"],
  ["get", "history_retention_days", "1"],
  ["set", "history_retention_days", "-1"],
  ["set", "history_retention_days", "for ever"],
  ["set", "no_such_setting", "1"],
])("settings %s %s %s is refused", async (words, { url }) => {
  const { code, stderr } = await runCli(["settings", ...words], { env: { DATABASE_URL: url } });

  expect(code).toBe(64);
  expect(stderr).toContain("hint: ");
});

test("an environment gives its value to a database that has none, and loses to one that has", async ({
  url,
  connect,
}) => {
  const db = await connect();
  await makePartition(db, "task_history", -100);
  const values = async () =>
    (await query(db, "select value from triaged.queue_settings order by name")).map(
      ({ value }) => value,
    );
  const jobs = async (env: Record<string, string>) =>
    await runCli(["jobs", "--once"], { env: { DATABASE_URL: url, ...env } });

  expect((await jobs({ HISTORY_RETENTION_DAYS: "0" })).code).toBe(0);
  expect(await values()).toEqual(["365", "0", "7"]);
  expect((await jobs({})).stderr).not.toContain("RETENTION");
  const other = await jobs({ HISTORY_RETENTION_DAYS: "30", TASK_RETENTION_DAYS: "7" });

  expect(other.code).toBe(0);
  expect(other.stderr).toContain(
    "HISTORY_RETENTION_DAYS is 30 here, and history_retention_days 0 in the database, which counts",
  );
  expect(other.stderr).not.toContain("TASK_RETENTION_DAYS is");
  expect(await values()).toEqual(["365", "0", "7"]);
  expect(await partitionsOf(db, "task_history")).toContain(partitionOf("task_history", -100));
  const doctor = await runCli(["doctor"], { env: { DATABASE_URL: url, TASK_RETENTION_DAYS: "9" } });
  expect(doctor.stdout).toContain("TASK_RETENTION_DAYS is 9 here, and task_retention_days 7");
});

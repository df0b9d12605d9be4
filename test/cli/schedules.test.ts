// The schedules as commands show and refuse them.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

test("schedules tell what is due when, and what has run", async ({ url, connect }) => {
  const client = await connect();
  const folder = await makeTemporaryFolder();
  await writeFile(
    join(folder.path, "crontab"),
    "CRON_TZ=Europe/Berlin\n0 4 * * * report ?id=nightly&fill=1d {kind: 'short'}\n",
  );
  for (const schedule of ["nightly", "gone"]) {
    await client.query(
      `select triaged.enqueue_scheduled($1, '2026-01-01T03:00Z', '{"task_type": "report"}')`,
      [schedule],
    );
  }
  const options = { cwd: folder.path, env: { DATABASE_URL: url } };

  const listed = await runCli(["schedules", "--json"], options);

  expect(JSON.parse(listed.stdout)).toEqual([
    {
      schedule: "nightly",
      cron: "0 4 * * *",
      in_words: "At 04:00",
      time_zone: "Europe/Berlin",
      task_type: "report",
      payload: { kind: "short" },
      queue: "default",
      backfill_seconds: 86_400,
      line: 2,
      next_run_at: expect.stringMatching(/T0[23]:00:00\.000Z$/),
      last_run_at: "2026-01-01T03:00:00.000Z",
      last_task_id: expect.any(Number),
      run_count: 1,
      paused_at: null,
    },
    expect.objectContaining({ schedule: "gone", cron: null, next_run_at: null, run_count: 1 }),
  ]);
  expect((await runCli(["schedules"], options)).stdout).toMatch(
    /^schedule +cron +in words +time zone +task type +next run +last run +task\nnightly +0 4 \* \* \* +At 04:00 +Europe\/Berlin +report /,
  );
  await folder.remove();
});

test.for([["jobs"], ["schedules", "--check"]])(
  "%j does not start with schedules that are wrong",
  async (words, { url }) => {
    const folder = await makeTemporaryFolder();
    const file = join(folder.path, "plan");
    await writeFile(file, "0 4 * * * fine\n0 25 * * * late\n@daily later\n");

    const { code, stderr } = await runCli(words, {
      env: { DATABASE_URL: url, SCHEDULES_FILE: file },
    });

    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: 2 lines of the schedules cannot be used\n/);
    expect(stderr).toContain(`\n  ${file}:2: Too large value '25' in hours range`);
    expect(stderr).toContain(`\n  ${file}:3: expected "MINUTE HOUR DAY`);
    await folder.remove();
  },
);

test("a file of schedules that is not there is an error, and none at all is none", async ({
  url,
}) => {
  const folder = await makeTemporaryFolder();
  const env = { DATABASE_URL: url };

  expect(
    await runCli(["schedules"], { env: { ...env, SCHEDULES_FILE: "nowhere" }, cwd: folder.path }),
  ).toMatchObject({ code: 78, stderr: expect.stringContaining("the schedules cannot be read") });
  expect((await runCli(["schedules"], { env, cwd: folder.path })).stdout).toMatch(
    /^there are no schedules: /,
  );
  await folder.remove();
});

test("a schedule is paused, run and resumed, each with who and why", async ({ url, client }) => {
  const folder = await makeTemporaryFolder();
  await writeFile(join(folder.path, "crontab"), "0 4 * * * report ?id=nightly {kind: 'short'}\n");
  const options = { cwd: folder.path, env: { DATABASE_URL: url } };
  const triaged = (...words: string[]) => runCli(["schedules", ...words], options);

  const why = ["--reason", "the source is down"];
  expect((await triaged("pause", "nightly", ...why)).stdout).toBe("schedule nightly is paused\n");
  expect((await triaged()).stdout).toMatch(/ paused /);
  const run = await triaged("run", "nightly", "--json");
  expect(JSON.parse(run.stdout)).toMatchObject({ schedule: "nightly", outcome: "created" });
  expect(JSON.parse((await triaged("resume", "nightly", "--json")).stdout)).toEqual({
    schedule: "nightly",
    changed: true,
  });
  const lost = await triaged("pause", "nightli");
  expect(lost).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("did you mean nightly?"),
  });

  expect(
    await query(
      client,
      "select action, door, reason from triaged.operations order by operation_id",
    ),
  ).toEqual([
    { action: "pause_schedule", door: "cli", reason: "the source is down" },
    { action: "run_schedule", door: "cli", reason: null },
    { action: "resume_schedule", door: "cli", reason: null },
  ]);
  await folder.remove();
});

// `triaged doctor` as a person and a program meet it.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startedJobs } from "../support/jobs.ts";
import { runCli } from "../support/processes.ts";
import { enqueue, query } from "../support/tasks.ts";

/** What `triaged doctor --json` prints, and how it ends. */
async function doctor(url: string) {
  const { code, stdout, stderr } = await runCli(["doctor", "--json"], {
    env: { DATABASE_URL: url },
  });
  expect(stderr).toBe("");
  const findings: { level: string; subject: string; found: string }[] = JSON.parse(stdout);
  return { code, findings };
}

test("people get a table with what to do about the rest", async ({ url, client }) => {
  await enqueue(client);

  const { stdout } = await runCli(["doctor"], { env: { DATABASE_URL: url } });

  expect(stdout).toMatch(/^level {4}subject +found\n/);
  expect(stdout).toMatch(/\nok {7}server +PostgreSQL 1\d/);
  expect(stdout).toMatch(/\nok {7}partitions +final_tasks has them 7 days ahead\n/);
  expect(stdout).toMatch(/\nwarning {2}workers +none is alive\n +start one: triaged work\n/);
  expect(stdout).toMatch(/\nwarning {2}handlers +queued, .*: noop \(queue default\)\n +start /);
});

test("it exits with 1 when it found an error, and with 0 after warnings", async ({
  url,
  client,
}) => {
  const before = await doctor(url);
  const isLossy = before.findings.some(
    ({ subject, level }) => level === "error" && subject === "durability",
  );
  expect(before.findings.map(({ level }) => level)).toContain("warning");
  // The servers that tests start do without fsync.
  expect(before.code).toBe(isLossy ? 1 : 0);

  await client.query("drop function triaged.retry_task");
  const after = await doctor(url);

  expect(after.code).toBe(1);
  expect(after.findings).toContainEqual(
    expect.objectContaining({ level: "error", subject: "drift" }),
  );
});

test("a table that is locked is a finding in time, and hides no other", async ({ url, client }) => {
  await client.query("begin");
  await client.query("lock table triaged.workers in access exclusive mode");

  const { code, findings } = await doctor(url);

  await client.query("rollback");
  expect(code).toBe(1);
  expect(findings).toContainEqual(
    expect.objectContaining({
      level: "error",
      subject: "workers",
      found: expect.stringContaining("no answer in time"),
    }),
  );
  expect(findings).toContainEqual(expect.objectContaining({ level: "ok", subject: "partitions" }));
});

test("a role that may only look is told what is hidden, and the rest", async ({ url, client }) => {
  const reader = new URL(url);
  reader.username = `reader_${reader.pathname.slice(1)}`;
  reader.password = "s3cret";
  await client.query(
    `create role ${reader.username} login password 's3cret' in role triaged_readonly`,
  );
  await using jobs = await startedJobs(url);

  const { findings } = await doctor(reader.href);

  jobs.stop();
  await jobs.ended;
  await client.query(`drop role ${reader.username}`);
  const notAllowed = expect.stringContaining("not allowed to look");
  const readable = findings.filter(({ found }) => !found.startsWith("not allowed"));
  expect(findings).toContainEqual(
    expect.objectContaining({ level: "warning", subject: "snapshot", found: notAllowed }),
  );
  // By a function of the queue's owner: the tables of graphile-worker are not for readers.
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: "jobs", found: "ran when due" }),
  );
  expect(findings).toContainEqual(
    expect.objectContaining({
      level: "warning",
      subject: "rights",
      found: "this user may only look",
    }),
  );
  expect(readable.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([
      "connections",
      "drift",
      "dead rows",
      "partitions",
      "workers",
      "handlers",
    ]),
  );
  expect(
    findings.filter(({ level, subject }) => level === "error" && subject !== "durability"),
  ).toEqual([]);
});

test("functions of another version are a warning, and no drift", async ({ url, client }) => {
  await client.query("drop function triaged.retry_task");
  await client.query(`update triaged.schema_migrations set checksum = 'of another version'
    where name = 'repeatables'`);

  const { findings } = await doctor(url);

  expect(findings[0]).toMatchObject({ level: "warning", subject: "schema" });
  expect(findings.map(({ subject }) => subject)).not.toContain("drift");
});

test("nothing is left behind by it", async ({ url, client }) => {
  const objects = "select (select count(*) from pg_class), (select count(*) from pg_proc)";
  const before = await query(client, objects);

  await doctor(url);

  expect(await query(client, objects)).toEqual(before);
});

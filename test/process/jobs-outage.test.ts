// A server that goes away under the jobs, and one that does not come back.
import { Client } from "pg";
import { test as base, expect } from "vitest";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { waitFor } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { hideTrace, type RunningJobs, startedJobs } from "../support/jobs.ts";

const LOST = "jobs lost the database; waiting until it answers";

/** A test that starts and stops servers on one folder; each has the address of the first. */
const test = base.extend<{ start: () => ReturnType<typeof startEmbedded> }>({
  start: async ({}, use) => {
    const { path, remove } = await makeTemporaryFolder();
    const folder = `${path}/postgres`;
    await use(() => startEmbedded({ folder, settings: { fsync: "off", shared_buffers: "16MB" } }));
    await remove();
  },
});

const BLOCKED = `select from pg_stat_activity
  where application_name = 'triaged jobs' and wait_event_type = 'Lock'`;

/** A connection that may end with its server. */
async function connectTo(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Start the jobs, and wait until nothing runs that could fail with the server. */
async function idleJobs(url: string): Promise<RunningJobs> {
  const jobs = await startedJobs(url);
  const client = await connectTo(url);
  await waitFor(
    async () => (await client.query("select from graphile_worker.jobs")).rowCount === 0,
  );
  await client.end();
  return jobs;
}

test("jobs wait for a server that restarts, and say so once", async ({ start }) => {
  const first = await start();
  await migrate({ connectionString: first.url });
  await using jobs = await idleJobs(first.url);

  await first.stop();
  await waitFor(() => jobs.messages().includes(LOST));
  const second = await start();

  await waitFor(() => jobs.messages().includes("jobs run again"), { deadlineMs: 20_000 });
  expect(jobs.messages()).toEqual(["jobs started", LOST, "jobs run again"]);
  jobs.stop();
  await jobs.ended;
  await second.stop();
});

test("jobs can be stopped while there is no server", async ({ start }) => {
  const server = await start();
  await migrate({ connectionString: server.url });
  await using jobs = await idleJobs(server.url);
  await server.stop();
  await waitFor(() => jobs.messages().includes(LOST));

  const stoppedAt = performance.now();
  jobs.stop();
  await jobs.ended;

  expect(performance.now() - stoppedAt).toBeLessThan(9_000);
  expect(jobs.messages()).toEqual(["jobs started", LOST, "jobs stopped"]);
});

test("a job that was cut off with the server runs when it is back", async ({ start }) => {
  hideTrace();
  const first = await start();
  await migrate({ connectionString: first.url });
  await using jobs = await idleJobs(first.url);
  const blocker = await connectTo(first.url);
  const client = await connectTo(first.url);
  await blocker.query("begin");
  await blocker.query("lock table triaged.dedupe_keys");
  await client.query("select graphile_worker.add_job('expire-rows', '{}')");
  await waitFor(async () => (await client.query(BLOCKED)).rowCount === 1);

  await first.stop();
  await waitFor(() => jobs.messages().includes(LOST));
  const second = await start();
  await waitFor(() => jobs.messages().includes("jobs run again"), { deadlineMs: 20_000 });

  await waitFor(() =>
    jobs.log().some((line) => line["job"] === "expire-rows" && line.msg === "job finished"),
  );
  expect(jobs.messages()).toContain("job failed and will be tried again");
  jobs.stop();
  await jobs.ended;
  await second.stop();
});

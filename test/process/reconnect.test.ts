// Goal: a worker outlives its connections and its server, and says so once.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Client } from "pg";
import { expect } from "vitest";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { test } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, waitForStatus } from "../support/tasks.ts";

test("a worker whose connections are all cut goes on", async ({ url, client }) => {
  await using worker = startWorkerProcess(url);
  await waitForStatus(client, await enqueue(client), "finished");

  const { rows } = await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );

  expect(rows.length).toBeGreaterThanOrEqual(3);
  await waitForStatus(client, await enqueue(client), "finished");
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
});

test("a worker that is told to stop before it could register ends as told", async ({
  url,
  client,
}) => {
  const name = new URL(url).pathname.slice(1);
  await client.query(`alter database ${name} set default_transaction_read_only = on`);
  await using worker = startWorkerProcess(url);
  await expect
    .poll(() => worker.log().map(({ msg }) => msg), { timeout: 20_000 })
    .toContain("the server is read-only; trying again until it takes writes");

  worker.signal("SIGTERM");

  expect(await worker.exited).toBe(0);
});

test("a worker waits for a server that is down, and says so once", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "triaged-restart-"));
  const folder = path.join(home, "postgres");
  let server = await startEmbedded({ folder });
  await migrate({ connectionString: server.url });
  await using worker = startWorkerProcess(server.url);
  await expect
    .poll(() => worker.log().map(({ msg }) => msg), { timeout: 20_000 })
    .toContain("worker started");

  await server.stop();
  const lost = "database does not answer; trying again until it does";
  await expect.poll(() => worker.log().map(({ msg }) => msg), { timeout: 20_000 }).toContain(lost);
  server = await startEmbedded({ folder });

  const client = new Client({ connectionString: server.url });
  await client.connect();
  await waitForStatus(client, await enqueue(client), "finished");
  const said = worker.log().map(({ msg }) => msg);
  expect(said.filter((msg) => msg === lost)).toHaveLength(1);
  expect(said.filter((msg) => msg === "database answers again")).toHaveLength(1);
  await client.end();
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

// Goal: a failover to a synchronous standby loses nothing that was acknowledged, and workers,
// jobs, gateways and producers with both hosts in their URL find the new primary by themselves:
// they are the same processes as before.

import { expect, test } from "vitest";
import { DatabaseClient } from "../../src/database/connection.ts";
import { clientConfig } from "../../src/database/pool.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { waitFor } from "../support/connections.ts";
import { migrate, withClient } from "../support/databases.ts";
import { startServe } from "../support/gateway.ts";
import { hideTrace, startedJobs } from "../support/jobs.ts";
import { canReplicate, type ReplicatedServers, startReplicated } from "../support/own-servers.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { startHttpProducer, startSteadyProducer } from "../support/steady-producer.ts";
import { brokenOf, verify } from "../support/verify.ts";

const TASKS = 30;
const WAITING = "select from pg_stat_activity where wait_event = 'SyncRep'";
const UNFINISHED = "select from triaged.tasks where status <> 'finished'";
/** The ends of tasks: a standby that lacks one would let the task run and end again. */
const ENDS = `select task_id, attempt_count, at from triaged.task_history
  where event = 'finish' order by task_id`;

/** The primary and then its standby are lost; the standby alone comes back, as primary. */
async function crash({ primary, standby }: ReplicatedServers): Promise<void> {
  await standby.stop();
  // From here on nothing is acknowledged, however much is made on the primary.
  await waitFor(async () => (await primary.ask(WAITING)).length >= 2);
  await primary.kill();
  await standby.start();
  await standby.promote();
}

/** The primary takes no more writes, and keeps its connections. */
async function switchOver({ primary, standby }: ReplicatedServers): Promise<void> {
  await primary.ask("alter system set default_transaction_read_only = on");
  await primary.ask("select pg_reload_conf()");
  await standby.promote();
}

test.skipIf(!canReplicate).for([
  ["the primary crashes", crash],
  ["the primary becomes read-only", switchOver],
] as const)("nothing that was acknowledged is lost when %s", async ([, fail]) => {
  hideTrace();
  await using servers = await startReplicated();
  const { primary, standby, url } = servers;
  await migrate({ connectionString: primary.url });
  await using one = startWorkerProcess(url);
  await using two = startWorkerProcess(url);
  await using jobs = await startedJobs(url);
  await using gateway = await startServe({ DATABASE_URL: url });
  await using producer = startSteadyProducer(url);
  await using http = startHttpProducer(gateway.address);
  await waitFor(async () => (await primary.ask(ENDS)).length >= TASKS);
  const ends = await primary.ask(ENDS);

  await fail(servers);
  for (const each of [producer, http]) {
    await each.enqueueMore(TASKS);
    await each.stop();
  }

  await waitFor(async () => (await standby.ask(UNFINISHED)).length === 0, { deadlineMs: 30_000 });
  const endsNow = await standby.ask(ENDS);
  const ended = endsNow.map((row) => row["task_id"]);
  expect(new Set(ended).size).toBe(ended.length);
  const acknowledged = [...producer.acknowledged(), ...http.acknowledged()];
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  expect(acknowledged.filter((taskId) => !ended.includes(taskId))).toEqual([]);
  expect(endsNow).toEqual(expect.arrayContaining(ends));
  await waitFor(() => jobs.said("jobs run again"), { deadlineMs: 30_000 });
  const verified = await withClient(standby.url, async (client) => {
    await client.query("begin");
    return await verify(client);
  });
  expect(brokenOf(verified)).toEqual([]);
  expect((await fetch(`${gateway.address}/ready`)).status).toBe(200);
  gateway.signal("SIGTERM");
  expect((await gateway.ended).code).toBe(0);
  for (const worker of [one, two]) {
    worker.signal("SIGTERM");
    expect(await worker.exited).toBe(0);
  }
});

test.skipIf(!canReplicate)("a standby that is named first is passed over", async () => {
  await using servers = await startReplicated();
  const { primary, standby } = servers;
  const hosts = [standby, primary].map(({ port }) => `127.0.0.1:${port}`).join(",");

  for (const wants of ["read-write", "primary"]) {
    const url = `postgres://postgres@${hosts}/postgres?target_session_attrs=${wants}`;
    const client = new DatabaseClient(clientConfig(parseDatabaseUrl(url), "test"));
    await client.connect();
    expect(client.port).toBe(primary.port);
    await client.end();
  }
});

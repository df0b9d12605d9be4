// What each job does, run once and without graphile-worker.
import type { Client } from "pg";
import { pino } from "pino";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { runJobsOnce } from "../../src/jobs/maintenance.ts";
import { deliverEffect } from "../../src/outbox/deliver.ts";
import { CircuitBreaker } from "../../src/system/http.ts";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { addEffect, NOTICE } from "../support/effects.ts";
import {
  DELIVERIES,
  EFFECTS,
  JOBS,
  makePartition,
  partitionOf,
  partitionsOf,
} from "../support/jobs.ts";
import { query, queryOne, startTask } from "../support/tasks.ts";

/** Run all jobs; resolves to what changed, by job. */
async function runOnce(client: Client) {
  const { signal } = new AbortController();
  const db = inSchema(client);
  const means = {
    db,
    config: EFFECTS,
    deliveries: DELIVERIES,
    breaker: new CircuitBreaker(EFFECTS.breaker),
    logger: pino({ level: "silent" }),
    signal,
  };
  const results = await runJobsOnce({
    db,
    jobs: JOBS,
    deliver: async ({ effectId }) => {
      await deliverEffect(effectId, means);
    },
    signal,
  });
  return Object.fromEntries(results.map(({ job, detail }) => [job, detail]));
}

test("partitions of today and the next seven days are made", async ({ connect }) => {
  const client = await connect();
  for (const days of [3, 7]) {
    await client.query(`drop table triaged.${partitionOf("final_tasks", days)}`);
  }
  await client.query(`drop table triaged.${partitionOf("task_history", 7)}`);

  const done = await runOnce(client);

  expect(done["create-partitions"]).toEqual({ partitionsMade: 3 });
  const days = [0, 1, 2, 3, 4, 5, 6, 7];
  expect(await partitionsOf(client, "final_tasks")).toEqual(
    days.map((day) => partitionOf("final_tasks", day)),
  );
  expect(await partitionsOf(client, "task_history")).toEqual(
    days.map((day) => partitionOf("task_history", day)),
  );
});

test("history is folded, and statistics are of what is folded", async ({ connect }) => {
  const client = await connect();
  await startTask(client);
  await query(client, "update triaged.tasks set status = 'cancelled'");

  const done = await runOnce(client);

  expect(done["fold-history"]).toEqual({ rowsFolded: 3 });
  expect(
    await query(client, "select event, count::integer from triaged.event_rollups"),
  ).toHaveLength(6);
  expect(await query(client, "select status, count::integer from triaged.task_statistics")).toEqual(
    [{ status: "cancelled", count: 1 }],
  );
});

test("partitions beyond the retention are dropped, younger ones stay", async ({ connect }) => {
  const client = await connect();
  for (const days of [-30, -8, -7]) {
    await makePartition(client, "final_tasks", days);
  }
  for (const days of [-91, -90, -8]) {
    await makePartition(client, "task_history", days);
  }

  const done = await runOnce(client);

  expect(done["drop-expired-partitions"]).toEqual({
    partitionsDropped: [
      partitionOf("final_tasks", -30),
      partitionOf("final_tasks", -8),
      partitionOf("task_history", -91),
    ],
  });
  expect(await partitionsOf(client, "final_tasks")).toContain(partitionOf("final_tasks", -7));
  expect(await partitionsOf(client, "task_history")).toEqual(
    expect.arrayContaining([partitionOf("task_history", -90), partitionOf("task_history", -8)]),
  );
});

test("a retention of 0 days keeps partitions for ever", async ({ connect }) => {
  const client = await connect();
  await makePartition(client, "final_tasks", -1_000);
  await makePartition(client, "task_history", -1_000);

  await client.query("select triaged.save_setting(name, '0') from triaged.queue_settings");
  const done = await runOnce(client);

  expect(done["drop-expired-partitions"]).toEqual({ partitionsDropped: [] });
});

test("a partition that somebody reads is left for the next run", async ({ connect }) => {
  const client = await connect();
  await makePartition(client, "final_tasks", -8);
  const reader = await connect();
  await reader.query("begin");
  await reader.query(`select from triaged.${partitionOf("final_tasks", -8)}`);

  const whileRead = await runOnce(client);
  await reader.query("commit");
  const afterwards = await runOnce(client);

  expect(whileRead["drop-expired-partitions"]).toEqual({ partitionsDropped: [] });
  expect(afterwards["drop-expired-partitions"]).toEqual({
    partitionsDropped: [partitionOf("final_tasks", -8)],
  });
});

test("a partition that cannot be made soon fails, so that writers do not queue for long", async ({
  connect,
}) => {
  const client = await connect();
  await client.query(`drop table triaged.${partitionOf("final_tasks", 7)}`);
  const writer = await connect();
  await writer.query("begin");
  await writer.query("lock table triaged.final_tasks_default in row exclusive mode");

  const refused = runOnce(client);

  await waitUntilBlocked(writer, client);
  await expect(refused).rejects.toMatchObject({ code: "55P03" });
  await writer.query("commit");
});

test("all rows that expired go, however many there are", async ({ connect }) => {
  const client = await connect();
  const { task_id: liveTask } = await startTask(client, { dedupe_key: "live" });
  await client.query(
    `insert into triaged.dedupe_keys (dedupe_key, task_id, until)
     select 'gone ' || n, 0, triaged.now() - interval '1 second'
     from generate_series(1, 20001) as n`,
  );
  await client.query(
    `insert into triaged.dedupe_keys (dedupe_key, task_id, until)
     values ('window', 0, triaged.now() + interval '1 hour')`,
  );

  const done = await runOnce(client);

  expect(done["expire-rows"]).toEqual({
    dedupeKeysDeleted: 20_001,
    workersDeleted: 0,
    pushConfigsDeleted: 0,
    operationsDeleted: 0,
    auditLogsDeleted: 0,
    effectsDeleted: 0,
  });
  expect(
    await query(client, "select dedupe_key, task_id from triaged.dedupe_keys order by 1"),
  ).toEqual([
    { dedupe_key: "live", task_id: liveTask },
    { dedupe_key: "window", task_id: "0" },
  ]);
});

test("workers that ended long ago and verdicts that expired go", async ({ connect }) => {
  const client = await connect();
  await client.query(
    `insert into triaged.workers (
       name, task_types, queues, concurrency, lease, started_at, heartbeat_at, ended_at, end_reason
     )
     select name, '{noop}', '{default}', 1, '15 seconds', ended_at, ended_at, ended_at, 'stopped'
     from (values
       ('old', triaged.now() - interval '91 days'),
       ('young', triaged.now() - interval '89 days')
     ) as given (name, ended_at)`,
  );
  await client.query(
    `insert into triaged.triage_results_cache (
       cache_key, source_repo, target_repo, commit_sha, relationship_type, analyzer_version,
       config_hash, requires_action, urgency, impact_summary, confidence, result_data,
       created_at, expires_at
     )
     select key, 'a/b', 'c/d', 'abc', 'api_consumer', '1', 'none', false, 'low', 'none', 1, '{}',
       triaged.now(), triaged.now() + until
     from (values ('old', interval '-1 second'), ('young', interval '1 hour')) as given (key, until)`,
  );

  const done = await runOnce(client);

  expect(done["expire-rows"]).toMatchObject({ workersDeleted: 1 });
  expect(done["expire-verdicts"]).toEqual({ triageResultsDeleted: 1 });
  expect(await queryOne(client, "select cache_key from triaged.triage_results_cache")).toEqual({
    cache_key: "young",
  });
  expect(await queryOne(client, "select name from triaged.workers")).toEqual({ name: "young" });
});

test.for([
  // Of a Wednesday: the lines are of 07:59 and of 08:01.
  [null, "2027-03-10T12:00:00Z", 0],
  [null, "2027-03-15T07:59:59Z", 0],
  [null, "2027-03-15T08:00:00Z", 2],
  ["daily", "2027-03-10T08:00:30Z", 1],
  ["daily", "2027-03-11T08:00:00Z", 2],
  ["monthly", "2027-03-31T23:59:59Z", 0],
  ["monthly", "2027-04-02T00:00:00Z", 2],
  ["30 * * * 3", "2027-03-10T08:30:00Z", 2],
  ["30 * * * 4", "2027-03-10T23:59:00Z", 0],
] as const)(
  "by the schedule %s, at %s, %i digests went out",
  async ([schedule, at, made], { connect }) => {
    const client = await connect();
    if (schedule !== null) {
      const settings = { digest_schedule: schedule };
      await client.query("select triaged.save_relationship_settings('notifications', $1)", [
        settings,
      ]);
    }
    for (const [repo, time] of [
      ["acme/early", "2027-03-10T07:59:00Z"],
      ["acme/late", "2027-03-10T08:01:00Z"],
    ]) {
      await client.query("select set_config('triaged.fake_now', $1, false)", [time]);
      await addEffect(client, {
        kind: "digest",
        key: repo,
        payload: { ...NOTICE, target_repo: repo },
      });
    }

    await client.query("select set_config('triaged.fake_now', $1, false)", [at]);
    const done = await runOnce(client);

    expect(done["gather-digest"]).toEqual({ digestsMade: made });
  },
);

// Goal: what another queue holds is here after `triaged import`, once, as it was.
// Method: real tables of graphile-worker, pg-boss and the older orchestrator.

import { Logger, makeWorkerUtils, run as runGraphile } from "graphile-worker";
import { PgBoss } from "pg-boss";
import { expect, inject } from "vitest";
import { test as base } from "../support/connections.ts";
import { dropDatabase, makeDatabase, urlOf, withClient } from "../support/databases.ts";
import { importInto } from "../support/run-main.ts";
import { query } from "../support/tasks.ts";

const SILENT = new Logger(() => () => undefined);

const test = base.extend<{ elsewhere: string }>({
  /** A database that no queue of ours is in. */
  elsewhere: async ({}, use) => {
    const serverUrl = inject("serverUrl");
    const name = await makeDatabase(serverUrl, "elsewhere");
    await use(urlOf(serverUrl, name));
    await dropDatabase(serverUrl, name);
  },
});

test("jobs of graphile-worker come over; a locked one stays, and a spent one has failed", async ({
  url,
  client,
  elsewhere,
}) => {
  const utils = await makeWorkerUtils({ connectionString: elsewhere });
  await utils.migrate();
  await utils.addJob(
    "mail",
    { to: "a@example.org" },
    { priority: -1, runAt: new Date("2033-01-01T00:00:00Z") },
  );
  await utils.addJob("broken", { n: 1 }, { maxAttempts: 1, jobKey: "k" });
  await utils.addJob("held", {});
  await utils.release();
  const runner = await runGraphile({
    connectionString: elsewhere,
    noHandleSignals: true,
    logger: SILENT,
    taskList: { broken: () => Promise.reject(new Error("no luck")) },
  });
  await expect
    .poll(() =>
      withClient(elsewhere, (db) =>
        query(db, "select from graphile_worker.jobs where attempts = 1"),
      ),
    )
    .toHaveLength(1);
  await runner.stop();
  await withClient(elsewhere, (db) =>
    db.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'w'
      where task_id = (select id from graphile_worker._private_tasks where identifier = 'held')`),
  );

  const first = await importInto(url, elsewhere);
  const again = await importInto(url, elsewhere, "--take-started");

  expect(first).toMatchObject({ code: 0, report: { read: 3, created: 2, left: { started: 1 } } });
  expect(again.report).toMatchObject({ created: 1, duplicates: 2, left: {} });
  expect(
    await query(
      client,
      "select task_type, status, priority, payload, run_at, error, max_attempts from triaged.tasks order by task_type",
    ),
  ).toMatchObject([
    {
      task_type: "broken",
      status: "failed",
      payload: { n: 1 },
      error: expect.stringContaining("no luck"),
      max_attempts: 1,
    },
    { task_type: "held", status: "queued" },
    {
      task_type: "mail",
      status: "queued",
      priority: 1,
      payload: { to: "a@example.org" },
      run_at: new Date("2033-01-01T00:00:00Z"),
    },
  ]);
});

test("jobs and schedules of pg-boss come over", async ({ url, client, elsewhere }) => {
  const boss = new PgBoss({ connectionString: elsewhere, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue("mail");
  await boss.send("mail", { to: "a" }, { priority: 5, retryLimit: 4 });
  const finished = await boss.send("mail", { to: "b" });
  await boss.send("mail", { to: "c" }, { retryLimit: 0 });
  await boss.schedule("mail", "0 4 * * *", { to: "all" }, { tz: "Europe/Berlin" });
  await boss.complete("mail", await fetchOne(boss, "a"), { sent: 1 }).catch(() => undefined);
  await boss.stop({ graceful: false });

  const { code, report } = await importInto(url, elsewhere);

  expect({ code, report }).toMatchObject({ code: 0, report: { read: 3, refused: 0 } });
  expect(report.notes).toEqual([
    'Its schedules, as lines for SCHEDULES_FILE:\nCRON_TZ=Europe/Berlin\n0 4 * * * mail {"to":"all"}',
  ]);
  expect(finished).toEqual(expect.any(String));
  expect(
    await query(
      client,
      "select status, priority, max_attempts, payload, result from triaged.tasks order by payload ->> 'to'",
    ),
  ).toMatchObject([
    { status: "finished", priority: 1, max_attempts: 5, payload: { to: "a" }, result: { sent: 1 } },
    { status: "queued", priority: 2, payload: { to: "b" } },
    { status: "queued", max_attempts: 1, payload: { to: "c" } },
  ]);
});

async function fetchOne(boss: PgBoss, to: string): Promise<string> {
  const [job] = await boss.fetch<{ to: string }>("mail");
  if (job?.data.to !== to) throw new Error(`expected the job to ${to}, got ${JSON.stringify(job)}`);
  return job.id;
}

test("the older orchestrator's tables come over, with history, repositories and relationships", async ({
  url,
  client,
  elsewhere,
}) => {
  await withClient(elsewhere, (db) => db.query(ORCHESTRATOR));

  const { code, report } = await importInto(url, elsewhere);

  expect({ code, report }).toMatchObject({ code: 0, report: { read: 2, created: 2 } });
  expect(report.notes[0]).toBe("Repositories: 2, relationships: 1.");
  expect(
    await query(
      client,
      "select given_id, status, payload, metadata -> 'imported' -> 'history' as history from triaged.tasks order by given_id",
    ),
  ).toMatchObject([
    {
      given_id: "0b1f",
      status: "finished",
      payload: {
        source_repo: "a/b",
        target_repo: "c/d",
        change_event: { x: 1 },
        relationship_config: {},
      },
      history: [{ status: "queued" }, { status: "finished", duration_ms: 12 }],
    },
    { given_id: "0b20", status: "queued", history: null },
  ]);
  expect(
    await query(
      client,
      "select source_repo, target_repo, relationship_type, relationship_config as config from triaged.relationships",
    ),
  ).toMatchObject([
    {
      source_repo: "a/b",
      target_repo: "c/d",
      relationship_type: "api_consumer",
      config: { interface_files: ["src/api.ts"] },
    },
  ]);
});

const ORCHESTRATOR = `
  create table tasks (
    task_id varchar(64) primary key, skill_name varchar(100), task_type varchar(50),
    status varchar(20), source_repo varchar(255), target_repo varchar(255), change_event jsonb,
    relationship_config jsonb, created_at timestamptz default now() - interval '2 days',
    started_at timestamptz, ended_at timestamptz, result jsonb, error text,
    worker_id varchar(100), attempt_count integer default 0, max_attempts integer default 3
  );
  create table task_history (
    id serial primary key, task_id varchar(64) references tasks on delete cascade,
    status varchar(20), timestamp timestamptz default now(), worker_id varchar(100), error text,
    duration_ms integer
  );
  create table repositories (
    id serial primary key, repo_name varchar(255) unique, repo_type varchar(50) default 'service_provider',
    metadata jsonb
  );
  create table dependency_relationships (
    id serial primary key, source_repo_id integer references repositories,
    target_repo_id integer references repositories, relationship_type varchar(50),
    interface_files jsonb, change_triggers jsonb, shared_concerns jsonb, divergent_concerns jsonb,
    urgency_mapping jsonb, metadata jsonb
  );
  insert into tasks (task_id, skill_name, task_type, status, source_repo, target_repo, change_event,
    started_at, ended_at, result, worker_id, attempt_count)
  values
    ('0b1f', 'trigger_consumer_triage', 'consumer_triage', 'finished', 'a/b', 'c/d', '{"x": 1}',
     now() - interval '1 day', now() - interval '1 hour', '{"urgency": "low"}', 'h-1', 1),
    ('0b20', 'trigger_consumer_triage', 'consumer_triage', 'queued', 'a/b', 'c/d', '{}',
     null, null, null, null, 0);
  insert into task_history (task_id, status, duration_ms) values ('0b1f', 'queued', null), ('0b1f', 'finished', 12);
  insert into repositories (repo_name) values ('a/b'), ('c/d');
  insert into dependency_relationships (source_repo_id, target_repo_id, relationship_type, interface_files)
  values (1, 2, 'api_consumer', '["src/api.ts"]')`;

test("a database without a queue, and one with two, are refused with what is there", async ({
  url,
  elsewhere,
}) => {
  const none = await importInto(url, elsewhere);
  await withClient(elsewhere, (db) =>
    db.query(`create schema one; create table one.tasks (skill_name text);
      create schema "Two"; create table "Two".tasks (skill_name text)`),
  );
  const two = await importInto(url, elsewhere);

  expect(none.stderr).toContain("error: no queue that can be imported is there\n");
  expect(two.stderr).toContain(
    'several queues are there: orchestrator in "Two", orchestrator in one; choose one by --schema',
  );
});

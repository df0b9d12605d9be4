// Goal: the data of the older system comes over as it is, once, and neither retention nor verify
// makes anything else of it.
// Method: run the statements of docs/operating.md; import into days that are kept, that are over
// and that retention has dropped.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call, claimTasks, enqueue, query, setClock, startWorker } from "../support/tasks.ts";
import { verify } from "../support/verify.ts";

const NOW = "2031-03-10T12:00:00Z";

test("the older system's table is copied as docs/operating.md says, twice with one outcome", async ({
  db,
}) => {
  const page = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  const [, statements = ""] =
    /(insert into triaged_compat.tasks select \* from[^`]*)/.exec(page) ?? [];
  await db.query(`
    create schema older;
    create table older.tasks (
      task_id varchar(64), skill_name varchar(100), task_type varchar(50), status varchar(20),
      source_repo varchar(255), target_repo varchar(255), change_event jsonb,
      relationship_config jsonb, created_at timestamptz default now() - interval '2 days',
      started_at timestamptz, ended_at timestamptz, result jsonb, error text,
      worker_id varchar(100), attempt_count integer default 0, max_attempts integer default 3
    );
    insert into older.tasks (task_id, skill_name, task_type, status, source_repo, target_repo,
      change_event, relationship_config, started_at, ended_at, result, error, worker_id, attempt_count)
    values
      ('q', 'trigger_consumer_triage', 'consumer_triage', 'queued', 'a/b', 'c/d', '{}', '{}',
       null, null, null, null, null, 0),
      ('s', 'trigger_consumer_triage', 'consumer_triage', 'started', 'a/b', 'c/d', '{}', '{}',
       now() - interval '1 day', null, null, null, 'h-1', 1),
      ('d', 'trigger_template_triage', 'template_triage', 'finished', 'a/b', 'c/d', '{}', '{}',
       now() - interval '1 day', now() - interval '1 hour', '{"risk": "low"}', null, 'h-1', 1),
      ('f', 'trigger_consumer_triage', 'consumer_triage', 'failed', 'a/b', 'c/d', '{}', '{}',
       now() - interval '1 day', now() - interval '1 hour', null, 'no model', 'h-2', 3),
      ('c', 'trigger_consumer_triage', 'consumer_triage', 'failed', 'a/b', 'c/d', '{}', '{}',
       null, now() - interval '1 hour', null, 'Cancelled by user', null, 0)`);

  await db.query(statements);
  await db.query(statements);

  const columns = `task_id, skill_name, task_type, status, source_repo, target_repo, change_event,
    relationship_config, created_at, started_at, ended_at, result, error, worker_id,
    attempt_count, max_attempts`;
  const ended = "where status in ('finished', 'failed') order by task_id";
  expect(await query(db, `select ${columns} from triaged_compat.tasks ${ended}`)).toEqual(
    await query(db, `select * from older.tasks ${ended}`),
  );
  expect(await query(db, "select given_id, status from triaged.tasks order by given_id")).toEqual([
    { given_id: "c", status: "cancelled" },
    { given_id: "d", status: "finished" },
    { given_id: "f", status: "failed" },
    { given_id: "q", status: "queued" },
    { given_id: "s", status: "queued" },
  ]);
  const workerId = await startWorker(db, { task_types: ["consumer_triage"] });
  expect(await claimTasks(db, workerId)).toHaveLength(2);
  expect(await verify(db, 3_600_000)).toMatchObject({ ok: true, violations: [] });
});

test("an error that reads like a cancel is none without its status", async ({ db }) => {
  await db.query(
    `insert into triaged_compat.tasks (task_id, task_type, status, error, started_at, ended_at)
     values
       ('ended', 'consumer_triage', 'finished', 'Cancelled by user', now(), now()),
       ('waits', 'consumer_triage', 'queued', null, null, null)`,
  );
  await db.query(
    "update triaged_compat.tasks set error = 'Cancelled by user' where task_id = 'waits'",
  );

  expect(await query(db, "select given_id, status from triaged.tasks order by given_id")).toEqual([
    { given_id: "ended", status: "finished" },
    { given_id: "waits", status: "queued" },
  ]);
});

test("retention counts from the end: what ended long ago goes with the next run", async ({
  db,
}) => {
  await setClock(db, NOW);
  await call(db, "create_partitions");
  const ended = [7, 8, 9, 30, 700].map((days) => `now() - interval '${days} days'`);
  for (const [index, at] of ended.entries()) {
    await query(
      db,
      `select triaged.import_task(jsonb_build_object('task_type', 'noop', 'status', 'finished',
         'given_id', 'g${index}', 'ended_at', ${at.replace("now()", "triaged.now()")}))`,
    );
  }
  expect(await verify(db, 3_600_000)).toMatchObject({ ok: true, violations: [] });
  await call(db, "create_partitions");

  await call(db, "cleanup_old_tasks");

  expect(await query(db, "select given_id from triaged.tasks order by 1")).toEqual([
    { given_id: "g0" },
  ]);
  expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
});

test("an import into days that retention has dropped makes nobody miss what went with them", async ({
  db,
}) => {
  await setClock(db, "2031-03-01T12:00:00Z");
  await call(db, "create_partitions", { days_ahead: 10 });
  const taskId = await enqueue(db);
  await query(db, "select triaged.cancel_task($1)", [taskId]);
  await setClock(db, NOW);
  await call(db, "create_partitions", { days_ahead: 1 });
  await call(db, "cleanup_old_tasks");
  expect(await query(db, "select from triaged.tasks")).toEqual([]);

  for (let day = 1; day < 10; day += 1) {
    await call(db, "import_task", {
      task: { task_type: "noop", status: "finished", ended_at: `2031-03-0${day}T18:00:00Z` },
    });
  }

  expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
  await call(db, "create_partitions", { days_ahead: 1 });
  expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
});

// `triaged doctor` compares the schema with the shipped one.

import { expect } from "vitest";
import { driftProbe } from "../../src/doctor/schema.ts";
import { emptyDatabaseTest as emptyTest, test } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { findingsOf } from "../support/doctor.ts";

const DRIFTS: readonly [what: string, statement: string, level: string, found: string][] = [
  [
    "a dropped function",
    "drop function triaged.retry_task",
    "error",
    "functions missing: retry_task",
  ],
  [
    "a function with another body",
    "create or replace function triaged.may_stop_clock() returns boolean language sql stable as 'select true'",
    "error",
    "functions changed: may_stop_clock",
  ],
  [
    "a function with other rights",
    "alter function triaged.claim_tasks security invoker",
    "error",
    "functions changed: claim_tasks",
  ],
  [
    "a view of another text",
    `create or replace view triaged.dead_letters as
     select task_id, task_type, queue, priority, payload, error, attempt_count, failure_count,
       max_attempts, rescue_count, metadata, created_at, started_at, ended_at
     from triaged.final_tasks where status = 'cancelled'`,
    "error",
    "views changed: dead_letters",
  ],
  [
    "a dropped trigger",
    "drop trigger task_history_refuse_change on triaged.task_history",
    "error",
    "triggers missing: task_history_refuse_change",
  ],
  [
    "a disabled trigger",
    "alter table triaged.live_tasks disable trigger live_tasks_record_update",
    "error",
    "trigger live_tasks_record_update on triaged.live_tasks is disabled",
  ],
  [
    "a dropped index",
    "drop index triaged.live_tasks_claim_idx",
    "error",
    "indexes missing: live_tasks_claim_idx",
  ],
  [
    "an index of others",
    "create index by_payload on triaged.live_tasks ((payload ->> 'x'))",
    "warning",
    "indexes not ours: by_payload",
  ],
  [
    "a dropped constraint",
    "alter table triaged.live_tasks drop constraint tasks_started_is_held",
    "error",
    "constraints missing: triaged.live_tasks tasks_started_is_held",
  ],
  [
    "a column of others",
    "alter table triaged.workers add column note text",
    "warning",
    "columns not ours: workers.note",
  ],
  [
    "another default",
    "alter table triaged.live_tasks alter column max_attempts set default 9",
    "error",
    "columns changed: live_tasks.max_attempts",
  ],
  [
    "other storage",
    "alter table triaged.workers reset (fillfactor)",
    "warning",
    "storage missing: workers",
  ],
];

test("the schema of the migrations has not drifted", async ({ url }) => {
  expect(await findingsOf(url, driftProbe)).toMatchObject([{ level: "ok" }]);
});

emptyTest("neither has one of another name", async ({ url }) => {
  await migrate({ connectionString: url }, { schema: "queue_2" });

  expect(await findingsOf(url, driftProbe, { schema: "queue_2" })).toMatchObject([{ level: "ok" }]);
});

test.for(DRIFTS)("%s is drift", async ([, statement, level, found], { url, client }) => {
  await client.query(statement);

  expect(await findingsOf(url, driftProbe)).toEqual([
    {
      level,
      subject: "drift",
      found: expect.stringContaining(found),
      advice: expect.stringMatching(/\w/),
    },
  ]);
});

test("the advice, when followed, brings functions, views and triggers back", async ({
  url,
  client,
}) => {
  await client.query(`drop function triaged.why(bigint); drop view triaged.attention;
    drop trigger task_history_refuse_change on triaged.task_history`);
  const [first] = await findingsOf(url, driftProbe);
  expect(first?.level).toBe("error");

  await client.query("delete from triaged.schema_migrations where name = 'repeatables'");
  await migrate({ connectionString: url });

  expect(await findingsOf(url, driftProbe)).toMatchObject([{ level: "ok" }]);
});

test("the look at the views leaves nothing behind", async ({ url, client }) => {
  await findingsOf(url, driftProbe);

  const { rows } = await client.query(
    "select relname from pg_class where relname = 'triaged_shipped_view'",
  );
  expect(rows).toEqual([]);
});

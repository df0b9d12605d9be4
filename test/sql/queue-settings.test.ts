// Goal: how long the queue keeps what ended is one value for everybody, and no call of a cleanup
// goes beyond it.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { currentRole, query, queryOne, refusal, setClock } from "../support/tasks.ts";

const CLEANUPS = [
  "select cleanup_old_tasks()",
  "select cleanup_old_tasks(7)",
  "select cleanup_old_tasks(days => 1)",
  "select drop_old_tasks()",
  "select drop_old_tasks(1)",
  "select drop_expired_partitions()",
  "select drop_expired_partitions(1)",
  "select drop_expired_partitions(task_days => 1, max_partitions => 100)",
  "select expire_rows()",
  "select expire_verdicts()",
  "select expire_effects()",
];

async function save(db: Client, name: string, value: string, onlyDefault = false) {
  const { outcome } = await queryOne<{ outcome: string }>(
    db,
    "select triaged.save_setting($1, $2, $3) as outcome",
    [name, value, onlyDefault],
  );
  return outcome;
}

async function partitions(db: Client, table: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    db,
    "select partition_name as name from triaged.partitions where table_name = $1 and ends_at <= $2",
    [table, "2026-06-01"],
  );
  return rows.map(({ name }) => name);
}

/** Two finished tasks, an effect and a worker, all of the first of January, seen in June. */
async function keepOldThings(db: Client): Promise<void> {
  await setClock(db, "2026-01-01 12:00Z");
  await db.query("select triaged.create_partition('final_tasks', '2026-01-01')");
  await db.query("select triaged.create_partition('task_history', '2026-01-01')");
  await db.query(`insert into triaged.final_tasks (
      task_id, task_type, queue, payload, priority, status, run_at, attempt_count, failure_count,
      max_attempts, rescue_count, metadata, created_at, ended_at
    ) select -place, 'noop', 'default', '{}', 2, 'finished', triaged.now(), 1, 0, 3, 0, '{}',
      triaged.now(), triaged.now() from generate_series(1, 2) as place`);
  await db.query("select triaged.register_worker('old', '{noop}')");
  await db.query("select triaged.end_worker(max(worker_id)) from triaged.workers");
  await db.query(`insert into triaged.effects (task_id, kind, effect_key, payload, status, due_at, created_at)
    values (1, 'webhook', 'k', '{}', 'failed', triaged.now(), triaged.now())`);
  await setClock(db, "2026-06-01 12:00Z");
}

test.for(CLEANUPS)("%s deletes no audit that is kept for ever", async (cleanup, { db }) => {
  await keepOldThings(db);
  await save(db, "history_retention_days", "0");
  await db.query("set local search_path to triaged");

  await db.query(cleanup);

  expect(await partitions(db, "task_history")).toHaveLength(1);
  expect(await query(db, "select from triaged.effects")).toHaveLength(1);
  expect(await query(db, "select from triaged.workers where name = 'old'")).toHaveLength(1);
});

test.for([
  { tasks: "7", days: null, left: 0 },
  { tasks: "0", days: null, left: 1 },
  { tasks: "365", days: null, left: 1 },
  { tasks: "365", days: 30, left: 0 },
  { tasks: "7", days: 365, left: 1 },
  { tasks: "7", days: 0, left: 1 },
])(
  "cleanup_old_tasks($days) with tasks kept for $tasks days leaves $left",
  async ({ tasks, days, left }, { db }) => {
    await keepOldThings(db);
    await save(db, "task_retention_days", tasks);

    await db.query("select triaged.cleanup_old_tasks($1)", [days]);

    expect(await partitions(db, "final_tasks")).toHaveLength(left);
    expect(await partitions(db, "task_history")).toEqual([]);
  },
);

test("drop_old_tasks tells how many tasks went", async ({ db }) => {
  await keepOldThings(db);

  expect(await query(db, "select triaged.drop_old_tasks() as dropped")).toEqual([{ dropped: "2" }]);
  expect(await query(db, "select triaged.drop_old_tasks() as dropped")).toEqual([{ dropped: "0" }]);
});

test("retention is seven and ninety days until somebody says otherwise", async ({ db }) => {
  expect(
    await query(db, "select name, value, changed_at from triaged.queue_settings order by name"),
  ).toEqual([
    { name: "audit_retention_days", value: "365", changed_at: null },
    { name: "history_retention_days", value: "90", changed_at: null },
    { name: "task_retention_days", value: "7", changed_at: null },
  ]);
});

test("the role that changed a setting is recorded, by hand as well", async ({ db }) => {
  const read = () => queryOne(db, "select * from triaged.queue_settings where name ~ 'history'");
  await setClock(db, "2026-03-01 12:00Z");
  await db.query("set local triaged.actor to 'auditor'");

  expect(await save(db, "history_retention_days", "90")).toBe("unchanged");
  expect(await read()).toMatchObject({ changed_at: null });
  expect(await save(db, "history_retention_days", "0")).toBe("changed");
  expect(await read()).toEqual({
    name: "history_retention_days",
    value: "0",
    previous_value: "90",
    changed_at: new Date("2026-03-01T12:00:00Z"),
    changed_by: "auditor",
    changed_login: await currentRole(db),
  });

  await db.query("update triaged.queue_settings set value = '30' where name ~ 'history'");
  expect(await read()).toMatchObject({ value: "30", previous_value: "0", changed_by: "auditor" });
});

test("a value that somebody set is not taken from an environment", async ({ db }) => {
  expect(await save(db, "task_retention_days", "30", true)).toBe("changed");
  expect(await save(db, "task_retention_days", "2", true)).toBe("kept");
  expect(await save(db, "task_retention_days", "2")).toBe("changed");
});

test("rows of a dump take the places of those that are there", async ({ db }) => {
  await db.query(`insert into triaged.queue_settings (name, value, changed_at, changed_by)
    values ('history_retention_days', '0', '2026-01-01', 'auditor')`);

  expect(
    await query(db, "select value, changed_by from triaged.queue_settings where name ~ 'history'"),
  ).toEqual([{ value: "0", changed_by: "auditor" }]);
});

test("a setting that is gone deletes nothing", async ({ db }) => {
  await keepOldThings(db);
  await db.query("delete from triaged.queue_settings");

  await db.query("select triaged.cleanup_old_tasks()");

  expect(await partitions(db, "task_history")).toHaveLength(1);
  expect(await partitions(db, "final_tasks")).toHaveLength(1);
});

test.for([
  ["history_retention_days", "-1"],
  ["history_retention_days", "36501"],
  ["history_retention_days", "007"],
  ["history_retention_days", "7 days"],
  ["history_retention_days", "1e3"],
  ["history_retention_days", ""],
  ["history_retention_days", null],
  ["no_such_setting", "1"],
  [null, "1"],
] as const)("%s = %s is refused", async ([name, value], { db }) => {
  const refused = await refusal(db, () =>
    db.query("select triaged.save_setting($1, $2)", [name, value]),
  );

  expect(refused).toMatchObject({ code: "22023", hint: expect.any(String) });
});

// Goal: legality holds whoever writes.
// Method: move a task by hand between each pair of statuses, as psql would.

import type { Client } from "pg";
import { expect } from "vitest";
import {
  isFinal,
  TASK_STATUSES,
  type TaskStatus,
  TRANSITIONS,
} from "../../src/model/task-status.ts";
import { test } from "../support/connections.ts";
import { currentRole, query, readHistory, readTask, refusal } from "../support/tasks.ts";
import { seedTask } from "../support/transitions.ts";

const MOVES = TASK_STATUSES.filter((status) => !isFinal(status)).flatMap((from) =>
  TASK_STATUSES.filter((to) => to !== from).map((to) => ({
    from,
    to,
    legal: Object.values(TRANSITIONS[from]).flat().includes(to),
  })),
);

async function move(db: Client, taskId: string, to: TaskStatus): Promise<void> {
  await db.query(
    `update triaged.live_tasks
     set
       status = $2,
       attempt_count = attempt_count + case when $2 = 'started' then 1 else 0 end,
       worker_id = case when $2 = 'started' then 1 end,
       started_at = case when $2 = 'started' then now() end,
       ended_at = case when $2 in ('finished', 'failed', 'cancelled') then now() end
     where task_id = $1`,
    [taskId, to],
  );
}

test.for(MOVES.filter(({ legal }) => legal))(
  "by hand, $from to $to is recorded as manual",
  async ({ from, to }, { db }) => {
    const { task_id } = await seedTask(db, from);

    await move(db, task_id, to);

    expect(await readTask(db, task_id)).toMatchObject({ status: to });
    expect((await readHistory(db, task_id)).slice(1)).toMatchObject([
      { event: "manual", status: to, actor: await currentRole(db) },
    ]);
    const tables = await query(
      db,
      `select 'live' as kept from triaged.live_tasks where task_id = $1
       union all select 'final' from triaged.final_tasks where task_id = $1`,
      [task_id],
    );
    expect(tables).toEqual([{ kept: isFinal(to) ? "final" : "live" }]);
  },
);

test.for(MOVES.filter(({ legal }) => !legal))(
  "by hand, $from to $to is refused",
  async ({ from, to }, { db }) => {
    const { task_id } = await seedTask(db, from);

    expect(await refusal(db, () => move(db, task_id, to))).toMatchObject({
      code: "TR002",
      hint: expect.stringContaining("docs/task-status.md"),
    });

    expect(await readTask(db, task_id)).toMatchObject({ status: from });
  },
);

test.for(TASK_STATUSES.filter(isFinal))("by hand, %s changes no more", async (from, { db }) => {
  const { task_id } = await seedTask(db, from);

  for (const table of ["final_tasks", "tasks"]) {
    const change = () =>
      db.query(`update triaged.${table} set status = 'queued' where task_id = $1`, [task_id]);
    expect(await refusal(db, change)).toMatchObject({ code: "TR002" });
  }

  expect(await readTask(db, task_id)).toMatchObject({ status: from });
});

test.for([
  { what: "a claim that counts no attempt", change: "status = 'started', worker_id = 1" },
  { what: "an attempt counted down", change: "attempt_count = attempt_count - 1" },
])("by hand, $what is refused", async ({ change }, { db }) => {
  const { task_id } = await seedTask(db, "queued");

  const refused = await refusal(db, () =>
    db.query(`update triaged.live_tasks set started_at = now(), ${change} where task_id = $1`, [
      task_id,
    ]),
  );

  expect(refused).toMatchObject({
    code: "TR002",
    hint: "A claim counts attempt_count up by one; nothing counts it down.",
  });
});

test.for([
  { constraint: "tasks_started_is_held", from: "started", change: "worker_id = null" },
  { constraint: "tasks_waiting_is_free", from: "queued", change: "worker_id = 1" },
  { constraint: "tasks_final_iff_ended", from: "queued", change: "ended_at = now()" },
  { constraint: "tasks_final_iff_ended", from: "started", change: "status = 'finished'" },
  { constraint: "tasks_failures_in_budget", from: "queued", change: "failure_count = 3" },
  { constraint: "tasks_failures_in_budget", from: "queued", change: "failure_count = -1" },
  { constraint: "tasks_rescues_are_attempts", from: "queued", change: "rescue_count = 3" },
  { constraint: "tasks_priority_known", from: "queued", change: "priority = 4" },
  { constraint: "tasks_progress_in_percent", from: "started", change: "progress_pct = 101" },
  { constraint: "tasks_run_at_is_finite", from: "queued", change: "run_at = 'infinity'" },
  { constraint: "tasks_payload_is_object", from: "queued", change: "payload = '[]'" },
] as const)("by hand, $change of a $from task breaks $constraint", async (given, { db }) => {
  const { task_id } = await seedTask(db, given.from);

  const refused = await refusal(db, () =>
    db.query(`update triaged.live_tasks set ${given.change} where task_id = $1`, [task_id]),
  );

  expect(refused).toMatchObject({ code: "23514", constraint: given.constraint });
});

test("by hand, the status alone is enough: the other columns follow it", async ({ db }) => {
  const reset = await seedTask(db, "started");
  const ended = await seedTask(db, "started");

  for (const [status, { task_id }] of [
    ["queued", reset],
    ["failed", ended],
  ] as const) {
    await db.query("update triaged.tasks set status = $1 where task_id = $2", [status, task_id]);
  }

  expect(await readTask(db, reset.task_id)).toMatchObject({
    status: "queued",
    worker_id: null,
    started_at: null,
    ended_at: null,
  });
  expect(await readTask(db, ended.task_id)).toMatchObject({
    status: "failed",
    worker_id: expect.any(String),
    started_at: expect.any(Date),
    ended_at: expect.any(Date),
  });
});

// Goal: verify misses nothing that retention dropped or --since leaves out, and all else.
// Method: stop the clock on several days, drop partitions, and look.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  call,
  claim,
  enqueue,
  outcomeOf,
  query,
  setClock,
  settle,
  startTask,
} from "../support/tasks.ts";
import { brokenOf, plant, RECORD, verify } from "../support/verify.ts";

const HOUR_MS = 3_600_000;

test("history from before --since is left out", async ({ db }) => {
  await setClock(db, "2026-03-01 12:00Z");
  await call(db, "create_partitions");
  const old = await startTask(db);
  await settle(db, [outcomeOf(old, "finish")]);
  const waiting = await enqueue(db, { task_type: "other" });
  await plant(db, old.task_id, ["delete from triaged.task_history where task_id = $1"]);
  await plant(db, waiting, ["delete from triaged.task_history where task_id = $1"]);
  await setClock(db, "2026-03-01 14:00Z");
  await startTask(db);

  expect(await verify(db, HOUR_MS)).toMatchObject({
    ok: true,
    checked: { state_follows_history: 1 },
  });
  expect(new Set((await verify(db)).violations.map(({ task_id }) => task_id))).toEqual(
    new Set([old.task_id, waiting]),
  );
});

test("--since knows what came before a story that goes on", async ({ db }) => {
  await setClock(db, "2026-03-01 06:00Z");
  await call(db, "create_partitions");
  const [good, late] = [await startTask(db), await startTask(db)];
  await settle(db, [outcomeOf(late, "finish")]);
  await setClock(db, "2026-03-01 12:00Z");
  await settle(db, [outcomeOf(good, "finish")]);
  await plant(db, late.task_id, [
    `${RECORD} values ($1, 'noop', triaged.now(), 'finish', 'finished', 1, 'worker')`,
  ]);

  // And not that the task is lost: it is where it ended, before the window.
  expect(brokenOf(await verify(db, HOUR_MS)).toSorted()).toEqual([
    `state_follows_history ${late.task_id}`,
    `transitions_are_legal ${late.task_id}`,
  ]);
});

test("rows that retention dropped are not missed, and rows that it cannot have dropped are", async ({
  db,
}) => {
  await setClock(db, "2026-03-01 12:00Z");
  await call(db, "create_partitions");
  const early = [await startTask(db), await startTask(db)] as const;
  await settle(db, [outcomeOf(early[0], "finish")]);
  const waiting = await enqueue(db, { task_type: "other" });
  for (let day = 1; day <= 30; day += 1) {
    await setClock(db, new Date(Date.UTC(2026, 2, 1 + day, 12)).toISOString());
    await call(db, "create_partitions");
  }
  // The tasks of the first day go, then their history.
  expect(await call(db, "drop_expired_partitions", { task_days: 7, history_days: 90 })).not.toEqual(
    [],
  );
  expect(await verify(db)).toMatchObject({ ok: true });
  await settle(db, [outcomeOf(early[1], "finish")]);
  await call(db, "drop_expired_partitions", { task_days: 7, history_days: 7 });
  await query(db, "update triaged.tasks set status = 'cancelled' where task_id = $1", [waiting]);
  expect(await verify(db)).toMatchObject({ ok: true });

  const lost = await claimed(db);
  await plant(db, lost, ["delete from triaged.live_tasks where task_id = $1"]);

  expect(brokenOf(await verify(db))).toEqual([`history_has_task ${lost}`]);
});

test("final tasks may be kept for longer than their history", async ({ db }) => {
  await setClock(db, "2026-03-01 12:00Z");
  await call(db, "create_partitions", { days_ahead: 30 });
  await settle(db, [outcomeOf(await startTask(db), "finish")]);
  await setClock(db, "2026-03-20 12:00Z");

  await call(db, "drop_expired_partitions", { task_days: 0, history_days: 7 });

  expect(await verify(db)).toMatchObject({ ok: true, checked: { final_task_has_end: 0 } });
});

test("a partition that stayed, because it was in use, proves nothing", async ({ db }) => {
  await setClock(db, "2026-03-01 12:00Z");
  await call(db, "create_partitions", { days_ahead: 30 });
  await enqueue(db);
  await setClock(db, "2026-03-02 12:00Z");
  await claim(db);
  await setClock(db, "2026-03-20 12:00Z");

  await query(db, "drop table triaged.task_history_20260302");

  expect(await verify(db)).toMatchObject({ ok: true });
});

test("a task whose end was dated back by hand may be dropped by that date", async ({ db }) => {
  await setClock(db, "2026-03-10 12:00Z");
  const { task_id } = await startTask(db);
  await query(
    db,
    `update triaged.tasks set status = 'finished', ended_at = '2026-03-01 12:00Z'
     where task_id = $1`,
    [task_id],
  );
  await call(db, "create_partitions");
  await setClock(db, "2026-03-11 12:00Z");

  expect(await call(db, "drop_expired_partitions")).toEqual([
    { drop_expired_partitions: "final_tasks_20260301" },
  ]);

  expect(await verify(db)).toMatchObject({ ok: true, checked: { transitions_are_legal: 3 } });
});

test("days whose rows are in the default partition count as kept, others as dropped", async ({
  db,
}) => {
  await setClock(db, "2029-01-08 12:00Z");
  const dropped = await claimed(db);
  await setClock(db, "2029-01-10 12:00Z");
  const kept = await claimed(db);
  for (const taskId of [dropped, kept]) {
    await plant(db, taskId, ["delete from triaged.live_tasks where task_id = $1"]);
  }
  await setClock(db, "2029-01-12 12:00Z");

  expect(brokenOf(await verify(db))).toEqual([`history_has_task ${kept}`]);
});

async function claimed(db: Client): Promise<string> {
  await enqueue(db);
  return (await claim(db)).task_id;
}

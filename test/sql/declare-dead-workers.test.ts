// Goal: a worker that moved between the look at it and its end is not declared dead.
// Method: take the row as a look would have seen it, let the worker do something, then ask for
// its end.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { query, queryOne, setClock, startWorker } from "../support/tasks.ts";

const SINCE = [
  { what: "beats", statement: "select triaged.heartbeat_worker($1)" },
  { what: "takes its lock again", statement: "select triaged.lock_worker($1)" },
  { what: "ends", statement: "select triaged.end_worker($1)" },
];

test.for(SINCE)("a worker that $what in between is left alone", async ({ statement }, { db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const workerId = await startWorker(db);
  await db.query("update triaged.workers set lock_lost_at = triaged.now()");
  const { seen } = await queryOne<{ seen: string }>(
    db,
    "select workers::text as seen from triaged.workers",
  );
  await setClock(db, "2026-01-01T00:00:05Z");
  await db.query(statement, [workerId]);
  const before = await query(db, "select ended_at, end_reason from triaged.workers");

  const dead = await query(
    db,
    "select worker_id from triaged.declare_dead($1::triaged.workers, 'too late')",
    [seen],
  );

  expect(dead).toEqual([{ worker_id: null }]);
  expect(await query(db, "select ended_at, end_reason from triaged.workers")).toEqual(before);
});

test("a worker that did nothing since ends", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const workerId = await startWorker(db);

  const dead = await query(
    db,
    `select dead.worker_id, dead.end_reason
     from triaged.workers as seen
     cross join lateral triaged.declare_dead(seen, 'lease ran out') as dead`,
  );

  expect(dead).toEqual([{ worker_id: workerId, end_reason: "lease ran out" }]);
});

// Goal: what time it is in the audit is the server's word.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { enqueue, queryOne, setClock } from "../support/tasks.ts";

const FAKE = "2001-01-01T00:00:00Z";

test("the owner of the queue may stop the clock", async ({ db }) => {
  await setClock(db, FAKE);

  expect(await queryOne(db, "select triaged.now()")).toEqual({ now: new Date(FAKE) });
});

test("a producer cannot date its tasks back", async ({ db }) => {
  await db.query("set local session authorization triaged_api");
  await setClock(db, FAKE);

  const taskId = await enqueue(db);

  const { years } = await queryOne<{ years: number }>(
    db,
    `select extract(year from at)::integer - 2001 as years
     from triaged.task_history where task_id = $1`,
    [taskId],
  );
  expect(years).toBeGreaterThan(20);
});

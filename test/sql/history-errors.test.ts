import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { claim, enqueue, outcomeOf, readHistory, settle } from "../support/tasks.ts";

test("history tells an error once, with the event that made it", async ({ db }) => {
  const taskId = await enqueue(db);
  await settle(db, [outcomeOf(await claim(db), "retry", { error: "broken", delay_ms: 0 })]);
  await settle(db, [outcomeOf(await claim(db), "release")]);
  await settle(db, [outcomeOf(await claim(db), "ask", { prompt: "really?" })]);
  await db.query("select triaged.decide_task($1, 'true')", [taskId]);
  const last = await claim(db);
  await db.query("select triaged.cancel_task($1)", [taskId]);
  await settle(db, [outcomeOf(last, "cancelled", { error: "given up" })]);
  await db.query("select triaged.retry_task($1)", [taskId]);

  const history = await readHistory(db, taskId);

  expect(history.map(({ event, error }) => [event, error])).toEqual([
    ["enqueue", null],
    ["claim", null],
    ["fail", "broken"],
    ["claim", null],
    ["release", null],
    ["claim", null],
    ["ask", null],
    ["decide", null],
    ["claim", null],
    ["cancel", null],
    ["cancel", "given up"],
    ["retry", null],
  ]);
});

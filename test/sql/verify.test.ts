// Goal: verify finds nothing wrong in a queue that works, and shows the rows of what is wrong.
// Method: go through every event and look. What it finds is in verify-corruptions.test.ts.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { CHECKS } from "../../src/database/verify/checks.ts";
import { verifyAudit } from "../../src/database/verify/verify.ts";
import { test } from "../support/connections.ts";
import { enqueue, outcomeOf, query, settle, startTask } from "../support/tasks.ts";
import { OPERATING, QUEUEING, SETTLING } from "../support/transitions.ts";
import { plant, RECORD, verify, workThroughEverything } from "../support/verify.ts";

test("a queue that went through every event verifies clean", async ({ db }) => {
  await workThroughEverything(db);

  const report = await verify(db);

  expect(report).toMatchObject({ ok: true, complete: true, violations: [] });
  expect(CHECKS.filter((check) => report.checked[check] === 0)).toEqual([]);
  const events = await query(db, "select distinct event from triaged.task_history");
  expect(new Set(events.map(({ event }) => event))).toEqual(
    new Set([
      ...[...SETTLING, ...QUEUEING, ...OPERATING].map(({ event }) => event),
      "enqueue",
      "import",
      "manual",
      "replace",
    ]),
  );
});

test("an empty queue verifies clean", async ({ db }) => {
  expect(await verify(db)).toMatchObject({ ok: true, complete: true });
});

test("a violation comes with the rows of its task", async ({ db }) => {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "finish")]);
  await plant(db, task.task_id, [
    `${RECORD} values ($1, 'noop', triaged.now(), 'finish', 'finished', 1, 'worker')`,
  ]);

  expect((await verify(db)).violations).toMatchObject([
    {
      check: "transitions_are_legal",
      problem: "finished -> finished by finish",
      tasks: [{ table: "final_tasks", status: "finished", attempt_count: 1 }],
      history: [
        { event: "enqueue" },
        { event: "claim" },
        { event: "finish" },
        { event: "finish", status: "finished", attempt_count: 1 },
      ],
    },
  ]);
});

test("a look whose time is over says that it is not complete", async ({ db }) => {
  await enqueue(db);

  expect(await verifyAudit(inSchema(db), { sinceMs: null, limitMs: 0 })).toMatchObject({
    ok: false,
    complete: false,
    violations: [],
  });
});

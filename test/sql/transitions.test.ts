// Goal: the SQL makes exactly the moves that TRANSITIONS allows.
// Method: put a task in each status and fire each event at it. Which of several legal
// branches is taken, by budget or by cancel request, is the subject of tests of their own.

import { expect } from "vitest";
import {
  isFinal,
  TASK_STATUSES,
  type TaskEvent,
  type TaskStatus,
  TRANSITIONS,
} from "../../src/model/task-status.ts";
import { test } from "../support/connections.ts";
import { query, readHistory, readTask, refusal } from "../support/tasks.ts";
import { type Firing, OPERATING, QUEUEING, SETTLING, seedTask } from "../support/transitions.ts";

// A cancel of a started task is a request, and moves nothing.
const isRequest = ({ event, status }: { event: TaskEvent; status: TaskStatus }) =>
  event === "cancel" && status === "started";

const pairs = (firings: readonly Firing[]) =>
  TASK_STATUSES.flatMap((status) =>
    firings.map((firing) => ({ ...firing, status, legal: TRANSITIONS[status][firing.event] })),
  ).filter((pair) => !isRequest(pair));
const LEGAL = pairs([...SETTLING, ...QUEUEING, ...OPERATING]).filter((pair) => pair.legal);
const UNHELD = pairs([...SETTLING, ...QUEUEING]).filter((pair) => !pair.legal);
const REFUSED = pairs(OPERATING).filter((pair) => !pair.legal);

test("each event of TRANSITIONS is fired", () => {
  const events = new Set(TASK_STATUSES.flatMap((status) => Object.keys(TRANSITIONS[status])));

  expect(new Set([...SETTLING, ...QUEUEING, ...OPERATING].map(({ event }) => event))).toEqual(
    events,
  );
});

test.for(LEGAL)("a task that is $status becomes $to on $name", async (pair, { db }) => {
  const attempt = await seedTask(db, pair.status);

  expect(await pair.fire(db, attempt)).toBe(true);

  const { status, ended_at } = await readTask(db, attempt.task_id);
  expect(pair.legal).toContain(status);
  expect({ status, ended: ended_at !== null }).toEqual({
    status: pair.to,
    ended: isFinal(pair.to),
  });
  expect(await readHistory(db, attempt.task_id)).toMatchObject([
    { event: "manual", status: pair.status },
    { event: pair.event, status: pair.to },
  ]);
});

test.for(UNHELD)("a task that is $status stays as it is on $name", async (pair, { db }) => {
  const attempt = await seedTask(db, pair.status);
  const before = await readTask(db, attempt.task_id);

  expect(await pair.fire(db, attempt)).toBe(false);

  expect(await readTask(db, attempt.task_id)).toEqual(before);
  expect(await readHistory(db, attempt.task_id)).toHaveLength(1);
});

test.for(REFUSED)("a task that is $status refuses $name", async (pair, { db }) => {
  const attempt = await seedTask(db, pair.status);
  const before = await readTask(db, attempt.task_id);

  const refused = await refusal(db, () => pair.fire(db, attempt));

  expect(refused).toMatchObject({ code: "TR002", hint: expect.stringMatching(/\.$/) });
  expect(await readTask(db, attempt.task_id)).toEqual(before);
  expect(await readHistory(db, attempt.task_id)).toHaveLength(1);
});

test.for(OPERATING)("$name of an unknown task says so", async ({ fire }, { db }) => {
  const refused = await refusal(db, () => fire(db, { task_id: "9007199254740993", attempt: 1 }));

  expect(refused).toMatchObject({ code: "TR001", message: "there is no task 9007199254740993" });
});

test("the statuses of the constraint are those of the code", async ({ db }) => {
  const rows = await query(
    db,
    `select regexp_matches(pg_get_constraintdef(oid), '''(\\w+)''', 'g') as found
     from pg_constraint
     where conname = 'tasks_status_known' and conrelid = 'triaged.live_tasks'::regclass`,
  );

  expect(rows.map(({ found }) => String(found))).toEqual(TASK_STATUSES);
});

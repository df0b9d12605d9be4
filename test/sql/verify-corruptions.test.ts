// Goal: verify finds whatever does not fit the history, names it, and accuses nothing else.
// Method: go through every event, plant one corruption with the triggers off, and look.

import { expect } from "vitest";
import type { Check } from "../../src/database/verify/checks.ts";
import { test } from "../support/connections.ts";
import { outcomeOf, query, settle, startTask } from "../support/tasks.ts";
import { brokenOf, plant, RECORD, verify, workThroughEverything } from "../support/verify.ts";

const HOUR_MS = 3_600_000;

type Corruption = {
  readonly name: string;
  /** What must be named; other checks may fail as well. */
  readonly check: Check;
  /** Of the task before. @default started */
  readonly outcome?: string;
  /** Statements with $1, the task. */
  readonly plant: readonly string[];
};

const CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a status that was changed behind the history",
    check: "state_follows_history",
    plant: ["update triaged.live_tasks set status = 'queued', worker_id = null where task_id = $1"],
  },
  {
    name: "an attempt number that was changed behind the history",
    check: "state_follows_history",
    plant: ["update triaged.live_tasks set attempt_count = 5 where task_id = $1"],
  },
  {
    name: "a rescue that nobody recorded",
    check: "state_follows_history",
    plant: ["update triaged.live_tasks set rescue_count = 1 where task_id = $1"],
  },
  {
    name: "an end at another time than history has it",
    check: "state_follows_history",
    outcome: "finish",
    plant: [
      "update triaged.final_tasks set ended_at = ended_at + interval '1 ms' where task_id = $1",
    ],
  },
  {
    name: "an attempt that is recorded twice",
    check: "transitions_are_legal",
    outcome: "finish",
    plant: [`${RECORD} values ($1, 'noop', triaged.now(), 'finish', 'finished', 1, 'worker')`],
  },
  {
    name: "a row in the middle of history that is gone",
    check: "transitions_are_legal",
    outcome: "finish",
    plant: ["delete from triaged.task_history where task_id = $1 and event = 'claim'"],
  },
  {
    name: "an event that leads where it never leads",
    check: "transitions_are_legal",
    outcome: "fail",
    plant: [
      "update triaged.task_history set event = 'finish' where task_id = $1 and event = 'fail'",
    ],
  },
  {
    name: "a cancel of a running task that nobody asked for",
    check: "transitions_are_legal",
    outcome: "release",
    plant: [
      `update triaged.task_history set status = 'cancelled'
       where task_id = $1 and event = 'release'`,
    ],
  },
  {
    name: "a second enqueue of the same task",
    check: "transitions_are_legal",
    plant: [`${RECORD} values ($1, 'noop', triaged.now(), 'enqueue', 'queued', 0, 'x')`],
  },
  {
    name: "a claim of a task that another attempt holds",
    check: "attempts_do_not_overlap",
    plant: [`${RECORD} values ($1, 'noop', triaged.now(), 'claim', 'started', 2, 'worker')`],
  },
  {
    name: "a claim that counts the attempt twice",
    check: "attempts_do_not_overlap",
    plant: [
      "update triaged.task_history set attempt_count = 2 where task_id = $1 and event = 'claim'",
    ],
  },
  {
    name: "a start by hand that counts no attempt",
    check: "attempts_do_not_overlap",
    plant: [
      "update triaged.task_history set event = 'manual' where task_id = $1 and event = 'claim'",
      "update triaged.task_history set attempt_count = 0 where task_id = $1",
      "update triaged.live_tasks set attempt_count = 0 where task_id = $1",
    ],
  },
  {
    name: "the end of an attempt that was not claimed",
    check: "attempts_do_not_overlap",
    outcome: "finish",
    plant: [
      "update triaged.task_history set attempt_count = 2 where task_id = $1 and event = 'finish'",
    ],
  },
  {
    name: "a live task without an enqueue",
    check: "task_was_enqueued",
    plant: ["delete from triaged.task_history where task_id = $1 and event = 'enqueue'"],
  },
  {
    name: "a live task without any history",
    check: "task_was_enqueued",
    plant: ["delete from triaged.task_history where task_id = $1"],
  },
  {
    name: "a final task without an enqueue",
    check: "task_was_enqueued",
    outcome: "finish",
    plant: ["delete from triaged.task_history where task_id = $1 and event = 'enqueue'"],
  },
  {
    name: "a final task without an end",
    check: "final_task_has_end",
    outcome: "finish",
    plant: ["delete from triaged.task_history where task_id = $1 and event = 'finish'"],
  },
  {
    name: "a final task without any history",
    check: "final_task_has_end",
    outcome: "finish",
    plant: ["delete from triaged.task_history where task_id = $1"],
  },
  {
    name: "a live task that is lost",
    check: "history_has_task",
    plant: ["delete from triaged.live_tasks where task_id = $1"],
  },
  {
    name: "a final task that is lost",
    check: "history_has_task",
    outcome: "finish",
    plant: ["delete from triaged.final_tasks where task_id = $1"],
  },
  {
    name: "a task in both tables",
    check: "task_is_in_one_table",
    outcome: "finish",
    plant: [
      `insert into triaged.live_tasks (
         task_id, task_type, payload, run_at, attempt_count, created_at
       )
       overriding system value
       select task_id, task_type, payload, run_at, attempt_count, created_at
       from triaged.final_tasks where task_id = $1`,
    ],
  },
  {
    name: "a task that ended twice",
    check: "task_is_in_one_table",
    outcome: "finish",
    plant: [
      `insert into triaged.final_tasks overriding system value
       select (jsonb_populate_record(task,
         jsonb_build_object('ended_at', task.ended_at - interval '1 minute'))).*
       from triaged.final_tasks as task where task_id = $1`,
    ],
  },
  {
    name: "a row of claims that is gone while its task is held",
    check: "held_task_is_claimed",
    plant: ["delete from triaged.claims where $1 = any (task_ids)"],
  },
  {
    name: "a task that another worker holds than the one that claimed it",
    check: "held_task_is_claimed",
    plant: ["update triaged.live_tasks set worker_id = 4711 where task_id = $1"],
  },
  {
    name: "a row of history that names an operation which there is not",
    check: "operation_is_recorded",
    plant: [
      `update triaged.task_history set detail = '{"operation_id": 4711}'
       where task_id = $1 and event = 'claim'`,
    ],
  },
];

test.for(CORRUPTIONS)(
  "$name breaks $check",
  async ({ check, outcome, plant: statements }, { db }) => {
    await workThroughEverything(db);
    await query(
      db,
      "select triaged.cancel_task(task_id) from triaged.live_tasks where status = 'queued'",
    );
    const task = await startTask(db);
    if (outcome !== undefined) {
      await settle(db, [outcomeOf(task, outcome, { error: "broken" })]);
    }
    expect(await verify(db)).toMatchObject({ ok: true });
    await plant(db, task.task_id, statements);

    for (const sinceMs of [null, HOUR_MS]) {
      const report = await verify(db, sinceMs);

      expect(report.ok).toBe(false);
      expect(brokenOf(report)).toContain(`${check} ${task.task_id}`);
      // Nothing else is accused.
      expect(new Set(report.violations.map(({ task_id }) => task_id))).toEqual(
        new Set([task.task_id]),
      );
    }
  },
);

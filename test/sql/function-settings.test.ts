// Goal: functions of one kind run with the same settings. PostgreSQL has no header that several
// functions share, so each repeats it.
// Method: read the settings of each function from the catalog, and compare them by kind.

import { expect } from "vitest";
import { test as base } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

type Row = { readonly name: string; readonly body: string; readonly settings: string[] };

const test = base.extend<{ functions: readonly Row[] }>({
  functions: async ({ db }, use) => {
    await use(
      await query<Row>(
        db,
        `select
           proname as name, prosrc as body,
           array(select setting from unnest(proconfig) as setting order by setting) as settings
         from pg_proc
         where pronamespace = 'triaged'::regnamespace
         order by proname`,
      ),
    );
  },
});

/** The functions of each set of settings. */
function bySettings(rows: readonly Row[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { name, settings } of rows) {
    (found[settings.join(" ")] ??= []).push(name);
  }
  return found;
}

test("all that settles attempts by arrays is planned the same", ({ functions }) => {
  // Those of operators act on any tasks, and have plans of their own.
  const ofOperators = new Set(["cancel_tasks", "change_tasks"]);
  const settling = functions.filter(
    ({ name, body }) => body.includes("task_id = any (p_task_ids)") && !ofOperators.has(name),
  );

  expect(bySettings(settling)).toEqual({
    "enable_nestloop=off enable_seqscan=off jit=off plan_cache_mode=force_generic_plan": [
      "ask_tasks",
      "cancel_held_tasks",
      "fail_tasks",
      "finish_tasks",
      "put_back_tasks",
    ],
  });
});

test("a rescue is planned as a settle is", ({ functions }) => {
  const rescuing = functions.filter(({ body }) => body.includes("note_event('rescue'"));

  expect(bySettings(rescuing)).toEqual({
    "enable_nestloop=off enable_seqscan=off jit=off plan_cache_mode=force_generic_plan": [
      "rescue_tasks_of",
    ],
  });
});

test("all that claims is planned the same", ({ functions }) => {
  const claiming = functions.filter(({ body }) => body.includes("note_event('claim'"));

  expect(claiming).not.toEqual([]);
  expect(Object.keys(bySettings(claiming))).toEqual([
    "enable_bitmapscan=off enable_seqscan=off enable_sort=off jit=off " +
      "plan_cache_mode=force_generic_plan search_path=pg_catalog, pg_temp",
  ]);
});

test("all that reads tasks with times from JSON, or tells times, does it in UTC", ({
  functions,
}) => {
  const telling = functions.filter(({ name }) =>
    ["enqueue_tasks", "enqueue_scheduled", "why"].includes(name),
  );

  expect(bySettings(telling)).toEqual({
    "DateStyle=ISO, MDY IntervalStyle=postgres TimeZone=UTC search_path=pg_catalog, pg_temp": [
      "enqueue_scheduled",
      "enqueue_tasks",
      "why",
    ],
  });
});

test("all that writes times of partitions into statements, or reads them, does it in UTC", ({
  functions,
}) => {
  const called = functions.filter(({ name }) =>
    [
      "create_days_ahead",
      "create_partition",
      "create_partitions",
      "drop_old_tasks",
      "merge_partitions",
      "partition_bounds",
      "rewrites_wanted",
      "stray_days",
    ].includes(name),
  );

  expect(called).toHaveLength(8);
  for (const { settings } of called) {
    expect(settings).toEqual(expect.arrayContaining(["DateStyle=ISO, MDY", "TimeZone=UTC"]));
  }
});

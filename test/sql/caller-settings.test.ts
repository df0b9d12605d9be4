// Goal: what a session has set says nothing in the name of another, and lifts no limit.
// Method: sessions of roles that may enqueue, work or operate, with the settings that the queue
// reads, each with a value that serves them.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { logInAs, set } from "../support/hostile-role.ts";
import {
  call,
  claim,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readHistory,
  refusal,
  settle,
  startTask,
} from "../support/tasks.ts";

async function lastRow(db: Client, taskId: string) {
  const { event, actor, login, detail, at } = (await readHistory(db, taskId)).at(-1) ?? {};
  return { event, actor, login, detail, at };
}

test("history keeps the login beside the actor that it chose", async ({ db }) => {
  await logInAs(db, "triaged_api");
  await set(db, "actor", "cfo@corp");

  const taskId = await enqueue(db);

  expect(await lastRow(db, taskId)).toMatchObject({
    actor: "cfo@corp",
    login: "triaged_test_login",
  });
});

test("history keeps the login of a worker", async ({ db }) => {
  await logInAs(db, "triaged_api");

  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "finish")]);

  expect(await readHistory(db, task.task_id)).toMatchObject([
    { event: "enqueue", actor: "triaged_test_login", login: "triaged_test_login" },
    { event: "claim", actor: "worker", login: "triaged_test_login" },
    { event: "finish", actor: "worker", login: "triaged_test_login" },
  ]);
});

test("history keeps the login of a session that has taken on another role", async ({ db }) => {
  await logInAs(db, "triaged_owner");
  await db.query("set local role triaged_owner");

  const taskId = await enqueue(db);
  await query(db, "update triaged.tasks set status = 'cancelled' where task_id = $1", [taskId]);

  expect(await lastRow(db, taskId)).toMatchObject({
    event: "manual",
    actor: "triaged_test_login",
    login: "triaged_test_login",
  });
});

test.for([
  "worker",
  "Worker",
  " worker ",
  "worker of host-7",
  "wor\u200bker",
  "worker.",
  "schedule",
  "schedule nightly",
  "jobs",
  "triaged",
])("the actor %j is not for callers", async (actor, { db }) => {
  await logInAs(db, "triaged_api");
  await set(db, "actor", actor);

  expect(await refusal(db, () => enqueue(db))).toMatchObject({
    code: "22023",
    message: expect.stringMatching(/^triaged.actor begins with (worker|schedule|jobs|triaged)/),
    hint: "Reserved as a first word are worker, schedule, jobs, triaged.",
  });
});

test.for(["x".repeat(201), "two\nlines", "\u001b[31mred"])(
  "the actor %j is refused: it would spoil what shows history",
  async (actor, { db }) => {
    await logInAs(db, "triaged_api");
    await set(db, "actor", actor);

    expect(await refusal(db, () => enqueue(db))).toMatchObject({ code: "22023" });
  },
);

test.for(["co-worker", "scheduler", "alice", "nightly import", "worker-7", "cli me"])(
  "the actor %j is as good as any",
  async (actor, { db }) => {
    await logInAs(db, "triaged_api");
    await set(db, "actor", actor);

    expect(await lastRow(db, await enqueue(db))).toMatchObject({ actor });
  },
);

test("a reserved actor stops no worker, which needs none", async ({ db }) => {
  await enqueue(db);
  await logInAs(db, "triaged_api");
  await set(db, "actor", "worker");

  const task = await claim(db);

  expect(await settle(db, [outcomeOf(task, "finish")])).toHaveLength(1);
});

test("a schedule is the actor of its tasks, with a key as well, and no caller by a setting", async ({
  db,
}) => {
  await logInAs(db, "triaged_owner");
  const actors = [];
  for (const [due, task] of [
    ["2027-01-01", '{"task_type": "noop"}'],
    ["2027-01-02", '{"task_type": "noop", "dedupe_key": "k"}'],
  ]) {
    const { task_id } = await queryOne<{ task_id: string }>(
      db,
      "select * from triaged.enqueue_scheduled('nightly', $1, $2)",
      [due, task],
    );
    actors.push(await lastRow(db, task_id));
  }
  actors.push(await lastRow(db, await enqueue(db)));

  expect(actors).toMatchObject([
    { event: "enqueue", actor: "schedule nightly", login: "triaged_test_login" },
    { event: "enqueue", actor: "schedule nightly" },
    { event: "enqueue", actor: "triaged_test_login" },
  ]);
});

test("neither event, nor who makes it, nor its details come from a caller's settings", async ({
  db,
}) => {
  const forged = async () => {
    await set(db, "event", "finish");
    await set(db, "event_by", "worker");
    await set(db, "event_details", '{"1/0": {"class": "forged"}}');
  };
  const own = { actor: "triaged_test_login", detail: null };
  await logInAs(db, "triaged_owner");

  await forged();
  const single = await enqueue(db);
  expect(await lastRow(db, single)).toMatchObject({ ...own, event: "enqueue" });

  await forged();
  const [bulk] = await call(db, "enqueue_tasks", { tasks: '[{"task_type": "noop"}]' });
  expect(await lastRow(db, String(bulk?.["task_id"]))).toMatchObject({ ...own, event: "enqueue" });

  await forged();
  await query(db, "insert into triaged.tasks (task_type) values ('noop')");
  await forged();
  await query(db, "update triaged.tasks set status = 'cancelled' where task_id = $1", [single]);
  expect(await lastRow(db, single)).toMatchObject({ ...own, event: "manual" });

  await forged();
  await query(db, "select triaged.retry_task($1)", [single]);
  const detail = { operation_id: expect.any(Number) };
  expect(await lastRow(db, single)).toMatchObject({ ...own, event: "retry", detail });

  await forged();
  await query(db, "select triaged.cancel_task($1)", [single]);
  expect(await lastRow(db, single)).toMatchObject({ ...own, event: "cancel", detail });
});

test("details that are no JSON spoil nothing but what was set", async ({ db }) => {
  await logInAs(db, "triaged_api");
  await set(db, "event_details", "{no json");

  expect(await lastRow(db, await enqueue(db))).toMatchObject({ event: "enqueue", detail: null });
});

test("a role that may enqueue does not stop the clock, whatever it makes of the catalog", async ({
  db,
}) => {
  await logInAs(db, "triaged_owner");
  await query(db, "create temp table pg_class (oid oid, relowner oid)");
  await query(
    db,
    "insert into pg_temp.pg_class select 'triaged.live_tasks'::regclass, session_user::regrole",
  );
  await query(db, "set local search_path to pg_temp, pg_catalog");
  await set(db, "fake_now", "2001-01-01");

  expect(await query(db, "select triaged.may_stop_clock() as may")).toEqual([{ may: false }]);
  const { at } = await lastRow(db, await enqueue(db));
  expect(at).toEqual((await queryOne(db, "select pg_catalog.now() as now"))["now"]);
});

test("a clock that is no time spoils nothing", async ({ db }) => {
  await logInAs(db, "triaged_api");
  await set(db, "fake_now", "no time");

  await expect(enqueue(db)).resolves.toMatch(/^\d+$/);
});

test("days of partitions are those of UTC, however the caller writes dates", async ({ db }) => {
  await db.query("set local triaged.fake_now to '2031-05-03 12:00Z'");
  await db.query("set local timezone to 'Asia/Kolkata'; set local datestyle to 'SQL, DMY'");

  await call(db, "create_partitions", { days_ahead: 1 });

  await db.query("set local timezone to 'UTC'; set local datestyle to 'ISO'");
  expect(
    await query(
      db,
      `select pg_get_expr(relpartbound, oid) as bounds from pg_class
       where oid = 'triaged.final_tasks_20310504'::regclass`,
    ),
  ).toEqual([
    { bounds: "FOR VALUES FROM ('2031-05-04 00:00:00+00') TO ('2031-05-05 00:00:00+00')" },
  ]);
});

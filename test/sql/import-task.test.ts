// Goal: a task that ended elsewhere is taken as ended, with all that is stated of it, or is
// refused; it never runs, and what somebody states is never dropped.
// Method: insert such rows into each of the views, look at what is stored, and let a worker look
// for work.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { logInAs } from "../support/hostile-role.ts";
import {
  call,
  claimTasks,
  enqueue,
  query,
  queryOne,
  readHistory,
  refusal,
  setClock,
  startWorker,
} from "../support/tasks.ts";
import { verify } from "../support/verify.ts";

const VIEWS = ["triaged.tasks", "triaged.triage_tasks", "triaged_compat.tasks"] as const;
const NOW = "2031-03-10T12:00:00Z";

/** The column in which a view names the task for its producer. */
const idOf = (view: string) =>
  view === "triaged_compat.tasks"
    ? { task_id: "their-id" }
    : view === "triaged.tasks"
      ? { given_id: "their-id" }
      : {};

type Row = Readonly<Record<string, unknown>>;

async function insert(db: Client, view: string, given: Row): Promise<Row> {
  const row: Row = { task_type: "consumer_triage", ...given };
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  return await queryOne(
    db,
    `insert into ${view} (${names.join(", ")}) values (${places.join(", ")}) returning *`,
    Object.values(row),
  );
}

/** What a worker for the type gets. */
async function findWork(db: Client): Promise<unknown[]> {
  return await claimTasks(db, await startWorker(db, { task_types: ["consumer_triage"] }));
}

const stored = (db: Client) => queryOne(db, "select * from triaged.final_tasks");

const ENDED = [
  { given: "finished", status: "finished" },
  { given: "completed", status: "finished" },
  { given: "TASK_STATE_COMPLETED", status: "finished" },
  { given: "failed", status: "failed" },
  { given: "cancelled", status: "cancelled" },
  { given: "canceled", status: "cancelled" },
];

test.for(VIEWS.flatMap((view) => ENDED.map((each) => ({ view, ...each }))))(
  "a row that is $given comes into $view as $status, and does not run",
  async ({ view, given, status }, { db }) => {
    await setClock(db, NOW);

    const returned = await insert(db, view, {
      status: given,
      result: '{"risk": "low"}',
      error: "boom",
      created_at: "2031-03-01T00:00:00Z",
      started_at: "2031-03-01T00:00:01Z",
      ended_at: "2031-03-01T00:00:03Z",
      attempt_count: 2,
      max_attempts: 5,
      ...idOf(view),
    });

    expect(await findWork(db)).toEqual([]);
    const task = await stored(db);
    expect(task).toMatchObject({
      status,
      result: { risk: "low" },
      error: "boom",
      created_at: new Date("2031-03-01T00:00:00Z"),
      started_at: new Date("2031-03-01T00:00:01Z"),
      ended_at: new Date("2031-03-01T00:00:03Z"),
      attempt_count: 2,
      max_attempts: 5,
    });
    const shown = view === "triaged_compat.tasks" && status === "cancelled" ? "failed" : status;
    expect(returned).toMatchObject({ status: shown, error: "boom", attempt_count: 2 });
    expect(await readHistory(db, String(task["task_id"]))).toMatchObject([
      { event: "import", status, at: new Date(NOW), attempt_count: 2, error: "boom" },
    ]);
    expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
  },
);

test("a row says nothing but that it finished: it ended as it came", async ({ db }) => {
  await setClock(db, NOW);

  await insert(db, "triaged.triage_tasks", { status: "finished" });

  expect(await stored(db)).toMatchObject({
    created_at: new Date(NOW),
    ended_at: new Date(NOW),
    started_at: null,
    result: null,
    attempt_count: 0,
  });
});

test("every column of the view tasks that is stated is kept", async ({ db }) => {
  await setClock(db, NOW);
  const parent = await enqueue(db);
  const given = {
    queue: "night",
    payload: { a: 1 },
    priority: 0,
    status: "failed",
    run_at: new Date("2031-03-01T00:00:00Z"),
    attempt_count: 3,
    failure_count: 2,
    max_attempts: 4,
    rescue_count: 1,
    worker_id: "77",
    cancel_requested_at: new Date("2031-03-01T00:00:02Z"),
    progress_pct: 50,
    current_step: "half",
    result: { so: "far" },
    error: "boom",
    decision_prompt: "really?",
    decision: { answer: "yes" },
    dedupe_key: "k",
    parent_task_id: parent,
    metadata: { b: 2 },
    created_at: new Date("2031-03-01T00:00:00Z"),
    started_at: new Date("2031-03-01T00:00:01Z"),
    ended_at: new Date("2031-03-01T00:00:03Z"),
  };

  await insert(db, "triaged.tasks", given);

  expect(await stored(db)).toMatchObject({ ...given, root_task_id: parent });
});

test.for(VIEWS.slice(1))("the name of its worker is kept by %s", async (view, { db }) => {
  for (const id of ["one", "two"]) {
    await insert(db, view, {
      status: "finished",
      worker_id: "old-host-42",
      ...(view === "triaged_compat.tasks" ? { task_id: id } : {}),
    });
  }
  await call(db, "expire_rows");

  expect(await query(db, `select worker_id from ${view}`)).toEqual([
    { worker_id: "old-host-42" },
    { worker_id: "old-host-42" },
  ]);
  expect(await query(db, "select kind, end_reason from triaged.workers")).toEqual([
    { kind: "compat", end_reason: "imported" },
  ]);
});

test("a task that the older system had cancelled is cancelled", async ({ db }) => {
  await insert(db, "triaged_compat.tasks", {
    task_id: "x",
    status: "failed",
    error: "Cancelled by user",
  });

  expect(await stored(db)).toMatchObject({ status: "cancelled", error: "Cancelled by user" });
});

const REFUSED = ["started", "running", "working", "in_progress", "needs_decision"];

test.for(
  VIEWS.flatMap((view) =>
    [...REFUSED, "TASK_STATE_INPUT_REQUIRED"].map((status) => [view, status] as const),
  ),
)("an insert into %s of a task that is %s elsewhere is refused", async ([view, status], { db }) => {
  expect(await refusal(db, () => insert(db, view, { status }))).toMatchObject({
    code: "22023",
    message: expect.stringMatching(/elsewhere cannot be taken over$/),
    hint: expect.stringContaining("in both places"),
  });
});

test.for(
  VIEWS.flatMap((view) =>
    ["blocked", "done", "", "Finished!"].map((status) => [view, status] as const),
  ),
)("an insert into %s with the unknown status %j is refused", async ([view, status], { db }) => {
  expect(await refusal(db, () => insert(db, view, { status }))).toMatchObject({
    code: "22023",
    message: `unknown status "${status}"`,
  });
});

test.for(
  VIEWS.flatMap((view) =>
    [null, "queued", "pending", "submitted"].map((status) => [view, status] as const),
  ),
)("an insert into %s with the status %j enqueues", async ([view, status], { db }) => {
  expect(await insert(db, view, { status })).toMatchObject({ status: "queued", attempt_count: 0 });
  expect(await findWork(db)).toHaveLength(1);
});

/** What the queue sets itself, by the views that have the column. */
const SET_BY_THE_QUEUE: readonly (readonly [string, unknown])[] = [
  ["attempt_count", 2],
  ["worker_id", 7],
  ["started_at", "2031-03-01T00:00:00Z"],
  ["ended_at", "2031-03-01T00:00:00Z"],
  ["result", "{}"],
  ["error", "x"],
  ["failure_count", 1],
  ["rescue_count", 1],
  ["cancel_requested_at", "2031-03-01T00:00:00Z"],
  ["progress_pct", 0],
  ["current_step", "x"],
  ["decision_prompt", "x"],
  ["decision", "{}"],
  ["root_task_id", 1],
];
const ONLY_IN_TASKS = SET_BY_THE_QUEUE.slice(6);

test.for(
  VIEWS.flatMap((view) =>
    SET_BY_THE_QUEUE.filter(
      (each) => view === "triaged.tasks" || !ONLY_IN_TASKS.includes(each),
    ).map(([column, value]) => ({ view, column, value })),
  ),
)(
  "an insert into $view of a queued task with $column is refused by its name",
  async ({ view, column, value }, { db }) => {
    const refused = await refusal(db, () =>
      insert(db, view, { status: "queued", [column]: value }),
    );

    expect(refused).toMatchObject({
      code: "22023",
      message: expect.stringMatching(
        new RegExp(`^a queued task has no (${column}|worker_name) yet: the queue sets it$`),
      ),
    });
  },
);

test.for(VIEWS.slice(0, 2))(
  "an insert into %s with a task_id is refused: it would be lost",
  async (view, { db }) => {
    for (const status of ["queued", "finished"]) {
      expect(await refusal(db, () => insert(db, view, { task_id: 4711, status }))).toMatchObject({
        code: "22023",
        message: 'the queue gives a task its number: task_id "4711" cannot be kept',
        hint: expect.stringContaining("triaged_compat.tasks"),
      });
    }
  },
);

test.for(VIEWS)(
  "the time at which a queued task was created elsewhere is kept by %s",
  async (view, { db }) => {
    const created_at = new Date("2001-02-03T04:05:06Z");

    expect(await insert(db, view, { created_at })).toMatchObject({ created_at, status: "queued" });
    expect(await refusal(db, () => insert(db, view, { created_at: "2999-01-01" }))).toMatchObject({
      code: "22023",
      message: expect.stringMatching(/^expected created_at to be a time in the past/),
    });
  },
);

test.for([
  [{ ended_at: "2031-03-11T00:00:00Z" }, "expected ended_at of a task that has ended"],
  [{ ended_at: "infinity" }, "expected ended_at of a task that has ended"],
  [{ created_at: "-infinity" }, "expected created_at of a task that has ended"],
  [{ started_at: "2031-03-10T11:00:00Z", ended_at: "2031-03-10T10:00:00Z" }, "a task cannot end"],
  [{ created_at: "2031-03-10T11:00:00Z", ended_at: "2031-03-10T10:00:00Z" }, "a task cannot end"],
  [{ attempt_count: -1 }, "the counters of the task do not fit"],
  [{ attempt_count: 1, failure_count: 2 }, "the counters of the task do not fit"],
  [{ attempt_count: 1, rescue_count: 2 }, "the counters of the task do not fit"],
  [{ progress_pct: 101 }, "expected progress_pct to be 0 to 100"],
  [{ max_attempts: 0 }, "expected max_attempts to be 1 to 100"],
  [{ queue: "" }, "expected queue to have 1 to 200 characters"],
  [{ priority: 4 }, "expected priority to be 0 to 3"],
  [{ payload: "[]" }, "expected payload to be a JSON object"],
  [{ metadata: "[]" }, "expected metadata to be a JSON object"],
  [{ dedupe_key: "" }, "expected dedupe_key to have 1 to 512 characters"],
  [{ given_id: "a", dedupe_key: "b" }, "the dedupe key of a task that was given an id is that id"],
  [{ root_task_id: 1 }, "root_task_id follows from parent_task_id"],
] as const)("an ended task with %j is refused", async ([given, message], { db }) => {
  await setClock(db, NOW);

  expect(
    await refusal(db, () => insert(db, "triaged.tasks", { status: "finished", ...given })),
  ).toMatchObject({ code: "22023", message: expect.stringContaining(message) });
});

test("a parent that is not there, and a result that is too large, are refused", async ({ db }) => {
  const given = { status: "finished" };
  expect(
    await refusal(db, () => insert(db, "triaged.tasks", { ...given, parent_task_id: 99 })),
  ).toMatchObject({ code: "TR001" });
  expect(
    await refusal(db, () =>
      insert(db, "triaged.tasks", { ...given, result: JSON.stringify("x".repeat(1_100_000)) }),
    ),
  ).toMatchObject({ code: "TR003", message: expect.stringContaining("result has") });
});

test.for(VIEWS)("producers may not import into %s, and are told who may", async (view, { db }) => {
  await logInAs(db, "triaged_api");

  expect(await refusal(db, () => insert(db, view, { status: "finished" }))).toMatchObject({
    code: "42501",
    message: "permission denied to import a task that is finished",
    hint: expect.stringContaining("owner of the queue"),
  });
  expect(await refusal(db, () => call(db, "import_task", { task: {} }))).toMatchObject({
    code: "42501",
  });
});

test.for(VIEWS)("an owner may import into %s", async (view, { db }) => {
  await logInAs(db, "triaged_owner");

  expect(await insert(db, view, { status: "finished" })).toMatchObject({ status: "finished" });
  expect(await stored(db)).toMatchObject({ status: "finished" });
});

test("an import that is run again makes nothing twice, and another task is refused", async ({
  db,
}) => {
  const row = { task_id: "x", status: "finished", result: '{"a": 1}' };
  await insert(db, "triaged_compat.tasks", row);
  await insert(db, "triaged_compat.tasks", row);

  expect(await query(db, "select from triaged.tasks")).toHaveLength(1);
  for (const change of [{ status: "failed" }, { result: '{"a": 2}' }, { source_repo: "e/f" }]) {
    expect(
      await refusal(db, () => insert(db, "triaged_compat.tasks", { ...row, ...change })),
    ).toMatchObject({ code: "23505" });
  }
});

test("a task that failed elsewhere can be retried, and keeps its id", async ({ db }) => {
  await insert(db, "triaged_compat.tasks", {
    task_id: "x",
    status: "failed",
    attempt_count: 3,
    error: "e",
  });

  await query(db, "select triaged.retry_task(triaged.task_id_of('x'))");

  expect(await findWork(db)).toMatchObject([{ attempt_count: 4 }]);
  expect(await query(db, "select task_id, status from triaged_compat.tasks")).toEqual([
    { task_id: "x", status: "started" },
  ]);
  expect(await verify(db)).toMatchObject({ ok: true, violations: [] });
});

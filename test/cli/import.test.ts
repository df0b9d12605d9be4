// Goal: the tasks of a file are here after `triaged import`, once, as they were; what is running
// there stays there; and `triaged export` gives them back.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test as base } from "../support/connections.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { importInto, runMain } from "../support/run-main.ts";
import { query } from "../support/tasks.ts";

const test = base.extend<{ folder: string }>({ folder: lendFolder });

function fileOf(folder: string, document: unknown): string {
  const file = path.join(folder, "tasks.json");
  writeFileSync(file, typeof document === "string" ? document : JSON.stringify(document));
  return file;
}

const OF_002 = {
  version: "2.1",
  tasks: [
    {
      id: "task-child",
      type: "implementation",
      priority: "high",
      status: "completed",
      parent_task_id: "task-root",
      created_at: "2026-01-02T10:00:00Z",
      started_at: "2026-01-02T11:00:00Z",
      completed_at: "2026-01-02T12:00:00Z",
      assigned_to: "agent-7",
      result_data: { files: 3 },
      tags: ["a", "b"],
      sla_minutes: 60,
      title: "Build it",
    },
    { task_id: "task-root", type: "plan", status: "pending", priority: "critical", title: "Plan" },
    {
      id: "task-bad",
      type: "implementation",
      status: "failed",
      failed_at: "2026-01-03",
      error: "no space left",
    },
    { id: "task-running", type: "plan", status: "in_progress", assigned_to: "agent-1" },
    { id: "task-blocked", type: "plan", status: "blocked" },
  ],
};

test("tasks of a file come over once, with their ends, lineage, agents and labels", async ({
  url,
  client,
  folder,
}) => {
  const file = fileOf(folder, OF_002);

  const first = await importInto(url, file);
  const again = await importInto(url, file);

  expect(first).toMatchObject({
    code: 0,
    report: {
      read: 5,
      created: 3,
      duplicates: 0,
      left: { started: 1, blocked: 1 },
      left_ids: ["task-running", "task-blocked"],
      before: {},
      after: { queued: 1, finished: 1, failed: 1 },
    },
  });
  expect(again.report).toMatchObject({ created: 0, duplicates: 3, before: first.report.after });
  const [child, bad, root] = await query(
    client,
    `select given_id, task_type, status, priority, payload, metadata, result, error,
       parent_task_id, ended_at,
       (select name from triaged.workers as worker where worker.worker_id = task.worker_id)
     from triaged.tasks as task order by status desc, given_id`,
  ).then((rows) =>
    ["task-child", "task-bad", "task-root"].map((id) => rows.find((row) => row["given_id"] === id)),
  );
  expect(root).toMatchObject({ status: "queued", priority: 0, payload: { title: "Plan" } });
  expect(child).toMatchObject({
    task_type: "implementation",
    status: "finished",
    priority: 1,
    payload: { title: "Build it" },
    metadata: { tags: ["a", "b"], sla_minutes: 60, imported: { id: "task-child" } },
    result: { files: 3 },
    name: "agent-7",
    ended_at: new Date("2026-01-02T12:00:00Z"),
  });
  expect(child?.["parent_task_id"]).not.toBeNull();
  expect(bad).toMatchObject({
    status: "failed",
    error: "no space left",
    ended_at: new Date("2026-01-03T00:00:00Z"),
  });
  expect(
    await query(
      client,
      "select event, count(*)::int from triaged.task_history group by 1 order by 1",
    ),
  ).toEqual([
    { event: "enqueue", count: 1 },
    { event: "import", count: 2 },
  ]);
  expect(await runMain(["verify"], { databaseUrl: url })).toMatchObject({ code: 0 });
});

test("a dry run says the same, and takes it back", async ({ url, client, folder }) => {
  const { code, report } = await importInto(url, fileOf(folder, OF_002), "--dry-run");

  expect({ code, report }).toMatchObject({ code: 0, report: { dry_run: true, created: 3 } });
  expect(await query(client, "select from triaged.tasks")).toEqual([]);
});

test("one task that cannot be taken keeps all of them out, and each that is wrong is told", async ({
  url,
  client,
  folder,
}) => {
  const file = fileOf(folder, [
    { id: "good", type: "x", status: "pending" },
    { id: "good", type: "x", status: "pending" },
    { type: "x", status: "pending" },
    { id: "c", status: "pending" },
    { id: "d", type: "x", status: "sleeping" },
    { id: "e", type: "x", status: "pending", priority: "soon" },
    { id: "f", type: "x", status: "completed", completed_at: "yesterday" },
    { id: "g", type: "x", status: "completed", completed_at: "2999-01-01T00:00:00Z" },
    { id: "h", type: "", status: "pending" },
    { id: "i\0", type: "x", status: "pending" },
  ]);

  const { code, report } = await importInto(url, file);

  expect({ code, report }).toMatchObject({ code: 64, report: { read: 10, refused: 9 } });
  expect(report.problems).toEqual([
    expect.stringMatching(/^task 2 of tasks.json: task 1 of tasks.json has its id, good$/),
    expect.stringMatching(/^task 3 of tasks.json: it has neither task_id nor id$/),
    expect.stringMatching(/^task 4 .*: it has no task_type, type or skill_name$/),
    expect.stringMatching(/^task 5 .*: unknown status "sleeping"$/),
    expect.stringMatching(/^task 6 .*: expected priority to be 0 to 3 or critical,.* got "soon"$/),
    expect.stringMatching(/^task 7 .*: expected ended_at to be a point in time, got "yesterday"$/),
    expect.stringMatching(/^task 10 .*: its id has a NUL character$/),
    expect.stringMatching(/^task 8 .*: expected ended_at .* to be in the past/),
    expect.stringMatching(/^task 9 .*: expected task_type to have 1 to 200 characters, got 0$/),
  ]);
  expect(await query(client, "select from triaged.tasks")).toEqual([]);
});

test.for([
  [
    "A2A",
    [
      {
        id: "a",
        kind: "task",
        contextId: "c1",
        status: { state: "completed", timestamp: "2026-01-01T00:00:00Z" },
        artifacts: [{ n: 1 }],
      },
    ],
    { status: "finished", result: { artifacts: [{ n: 1 }] }, metadata: { context_id: "c1" } },
  ],
  [
    "a map by id",
    { tasks: { a: { task_type: "t", status: "canceled", ended_at: 1_767_225_600 } } },
    { status: "cancelled", ended_at: new Date("2026-01-01T00:00:00Z") },
  ],
  [
    "lists by status",
    { pending: [{ id: "a", type: "t", payload: [1] }], version: 3 },
    { status: "queued", payload: { value: [1] } },
  ],
  [
    "a cancelled task that failed",
    [
      {
        id: "a",
        skill_name: "trigger_t",
        status: "failed",
        error: "Cancelled by user",
        endedAt: "2026-01-01 00:00:00",
      },
    ],
    { status: "cancelled", task_type: "t" },
  ],
  [
    "a message of one that succeeded",
    [
      {
        id: "a",
        type: "t",
        status: { state: "completed", timestamp: "2026-01-01T00:00:00Z", message: "well done" },
        progress: 0.5,
      },
    ],
    {
      status: "finished",
      error: null,
      metadata: { imported: { status_message: "well done", progress: 0.5 } },
    },
  ],
  [
    "a message of one that failed",
    [
      {
        id: "a",
        type: "t",
        status: { state: "failed", timestamp: "2026-01-01T00:00:00Z", message: "no" },
      },
    ],
    { status: "failed", error: "no", ended_at: new Date("2026-01-01T00:00:00Z") },
  ],
  [
    "what one that waits had of an attempt",
    [
      {
        id: "a",
        type: "t",
        status: "pending",
        attempts: 2,
        error: "broken",
        updated_at: "2026-01-01T00:00:00Z",
      },
    ],
    {
      status: "queued",
      attempt_count: 0,
      metadata: {
        imported: {
          system: "file",
          id: "a",
          attempt_count: 2,
          error: "broken",
          updated_at: "2026-01-01T00:00:00Z",
        },
      },
    },
  ],
  [
    "a task of two clocks, which began after its end",
    [
      {
        id: "a",
        type: "t",
        status: "completed",
        created_at: "2026-01-01T00:00:02Z",
        started_at: "2026-01-01 00:00:03+00",
        completed_at: "2026-01-01T00:00:01Z",
      },
    ],
    {
      created_at: new Date("2026-01-01T00:00:01Z"),
      started_at: null,
      metadata: { imported: { created_at: "2026-01-01T00:00:02Z" } },
    },
  ],
  [
    "a task of a clock that is ahead",
    [
      {
        id: "a",
        type: "t",
        status: "pending",
        created_at: new Date(Date.now() + 300_000).toISOString(),
      },
    ],
    { status: "queued" },
  ],
  [
    "long numbers",
    '[{"id": "a", "type": "t", "payload": {"n": 12345678901234567890}}]',
    { payload_text: '{"n": 12345678901234567890}' },
  ],
] as const)("%s is read", async ([, document, expected], { url, client, folder }) => {
  expect(await importInto(url, fileOf(folder, document))).toMatchObject({
    code: 0,
    report: { created: 1 },
  });
  const rows = await query(client, "select *, payload::text as payload_text from triaged.tasks");
  expect(rows).toMatchObject([{ given_id: "a", ...expected }]);
});

test.for([
  ["no file", "nowhere.json", "there is no file nowhere.json"],
  ["a folder", ".", ". is a folder, not a file"],
] as const)("%s is refused", async ([, source, message], { url }) => {
  const { code, stderr } = await importInto(url, source);
  expect({ code, stderr }).toEqual({
    code: 64,
    stderr: expect.stringContaining(`error: ${message}\n`),
  });
});

test("an export is an import of the same tasks, in the words of whoever takes it", async ({
  url,
  client,
  folder,
}) => {
  await importInto(url, fileOf(folder, OF_002));
  await query(client, "select triaged.enqueue_task('x', '{\"n\": 12345678901234567890}')");

  const { stdout } = await runMain(["export", "--names", "pending"], { databaseUrl: url });

  const { tasks } = JSON.parse(stdout);
  expect(
    tasks.map((task: { task_id: string; status: string }) => [task.task_id, task.status]),
  ).toEqual([
    ["task-root", "pending"],
    ["task-child", "completed"],
    ["task-bad", "failed"],
    [expect.stringMatching(/^\d+$/), "pending"],
  ]);
  expect(tasks[1]).toMatchObject({ parent_task_id: "task-root", worker_id: "agent-7" });
  expect(stdout).toContain("12345678901234567890");
  const back = await importInto(url, fileOf(folder, stdout), "--dry-run");
  expect(back.report).toMatchObject({ read: 4, created: 1, duplicates: 3, refused: 0 });
});

// Goal: whatever a handler does, its task ends or waits with a readable reason, and the
// worker goes on.
// Method: one real worker, one task for each thing that a handler can do.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const CASES = [
  ["noop", {}, "finished", { result: { done: true } }],
  ["return", { what: "nothing" }, "finished", { result: null }],
  [
    "return",
    { what: "cycle" },
    "failed",
    { error: /result cannot be written as JSON: .*circular/ },
  ],
  ["return", { what: "bigint" }, "failed", { error: /result cannot be written as JSON: .*BigInt/ }],
  ["return", { what: "function" }, "failed", { error: /it is a function/ }],
  [
    "return",
    { what: "large" },
    "failed",
    { error: /2000002 bytes, more than the limit of 1048576/ },
  ],
  [
    "return",
    { what: "endless" },
    "failed",
    { error: /cannot be written as JSON: .*string length/ },
  ],
  ["return", { what: "nul" }, "failed", { error: /NUL character or half of a surrogate pair/ }],
  ["return", { what: "surrogate" }, "failed", { error: /NUL character or half of a surrogate/ }],
  ["return", { what: "deep nul" }, "finished", {}],
  [
    "checked",
    { who: "me", age: 1.5 },
    "failed",
    { error: /payload does not parse: who: .*; age: / },
  ],
  ["checked", { who: "a@b.org", age: 1 }, "failed", { error: /result does not match .*sum: / }],
  [
    "throw",
    { what: "permanent" },
    "failed",
    { error: /^PermanentError: cannot work$/, failure_count: 1 },
  ],
  ["throw", { what: "unknown" }, "failed", { error: /^Error: as ever$/, failure_count: 3 }],
  [
    "throw",
    { what: "twice" },
    "finished",
    {
      result: { previousError: "Error: attempt 2\ncaused by TypeError: the reason" },
      failure_count: 2,
    },
  ],
  ["throw", { what: "text" }, "failed", { error: /threw something that is not an Error: 'not an/ }],
  ["throw", { what: "circle" }, "failed", { error: /^Error: caused by itself\ncaused by Error: / }],
  [
    "throw",
    { what: "unreadable" },
    "failed",
    { error: /something that cannot be read\ncaused by TypeError: no message for you/ },
  ],
  ["throw", { what: "stray" }, "failed", { error: /^Error: nobody awaits me$/ }],
  [
    "throw",
    { what: "exit" },
    "failed",
    { error: /called process.exit\(3\); throw an error instead/ },
  ],
  ["late", {}, "failed", { error: /^AttemptAborted: timed out after 100 ms$/ }],
  ["plain", { name: "x" }, "finished", { result: { two: 2, three: 3 } }],
] as const;

test("each thing that a handler does has a status and a reason", async ({ url, client }) => {
  const tasks: string[] = [];
  for (const [task_type, payload] of CASES) {
    tasks.push(await enqueue(client, { task_type, payload }));
  }
  await using worker = startWorkerProcess(url);

  for (const [index, [, payload, status, expected]] of CASES.entries()) {
    const task = await waitForStatus(client, tasks[index] ?? "", status);

    const { error, ...columns } = { error: null, ...expected };
    expect.soft(task, JSON.stringify(payload)).toMatchObject(columns);
    expect.soft(task.error ?? "", JSON.stringify(payload)).toMatch(error ?? /^$/);
  }
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
});

test("a handler may snooze, ask, or say when to try again", async ({ url, client }) => {
  const type = "throw";
  const snoozed = await enqueue(client, { task_type: type, payload: { what: "snooze" } });
  const forEver = await enqueue(client, { task_type: type, payload: { what: "snooze for ever" } });
  const limited = await enqueue(client, { task_type: type, payload: { what: "retry after" } });
  const asking = await enqueue(client, { task_type: type, payload: { what: "ask" } });
  await using _worker = startWorkerProcess(url);

  expect(await waitForStatus(client, asking, "needs_decision")).toMatchObject({
    decision_prompt: "really?",
    result: { known: 1 },
  });
  await client.query("select triaged.decide_task($1, $2)", [asking, '"go"']);
  expect(await waitForStatus(client, asking, "finished")).toMatchObject({
    result: { decision: "go" },
    failure_count: 0,
  });

  const hour = 3_600_000;
  for (const [taskId, failures, delayMs] of [
    [snoozed, 0, hour],
    [forEver, 0, 366 * 24 * hour],
    [limited, 1, hour],
  ] as const) {
    const task = await readTask(client, taskId);
    expect(task).toMatchObject({ status: "queued", failure_count: failures, attempt_count: 1 });
    expect(Math.abs(task.run_at.getTime() - Date.now() - delayMs)).toBeLessThan(60_000);
  }
});

test("a task of a type that nobody handles stays queued, and why says so", async ({
  url,
  client,
}) => {
  const unknown = await enqueue(client, { task_type: "unheard_of" });
  const last = await enqueue(client);
  await using _worker = startWorkerProcess(url);
  await waitForStatus(client, last, "finished");

  expect(await readTask(client, unknown)).toMatchObject({ status: "queued", attempt_count: 0 });
  const { rows } = await client.query("select reason from triaged.why($1)", [unknown]);
  expect(rows).toEqual([{ reason: "no worker handles task type unheard_of" }]);
});

test("a type with a concurrency of one runs one task at a time", async ({ url, client }) => {
  const tasks: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    tasks.push(await enqueue(client, { task_type: "single" }));
  }
  await using _worker = startWorkerProcess(url);

  for (const taskId of tasks) {
    expect(await waitForStatus(client, taskId, "finished")).toMatchObject({ result: { seen: 1 } });
  }
});

test("progress is seen while the task runs, and its cancel stops it", async ({ url, client }) => {
  const taskId = await enqueue(client, { task_type: "progress" });
  await using _worker = startWorkerProcess(url);
  await waitForStatus(client, taskId, "started");
  await expect
    .poll(() => readTask(client, taskId), { timeout: 10_000 })
    .toMatchObject({ progress_pct: 50, current_step: "second" });

  const { rows } = await client.query("select triaged.cancel_task($1) as answer", [taskId]);

  expect(rows).toEqual([{ answer: "requested" }]);
  expect(await waitForStatus(client, taskId, "cancelled")).toMatchObject({
    error: "Cancelled by user",
  });
  expect(await readStory(client, taskId)).toEqual([
    "enqueue queued",
    "claim started",
    "cancel started",
    "cancel cancelled",
  ]);
});

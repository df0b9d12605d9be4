// Goal: whatever the database refuses of an ending, and for whatever reason, its task ends with a
// readable error or waits, the tasks that end beside it are settled, and the worker goes on.
// Method: constraints and triggers of an administrator refuse some ends; one real worker settles
// those among innocent ones.

import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readStory, readTask, waitForStatus } from "../support/tasks.ts";

const TASKS = path.join(import.meta.dirname, "..", "fixtures", "refused");
const INNOCENTS = 20;

const checking = (table: string, condition: string) =>
  `alter table triaged.${table} add constraint ours check (${condition})`;

/** A trigger of somebody else that raises `state` for the rows of `condition`. */
const raising = (table: string, events: string, condition: string, state = "P0001") => `
  create function public.refuse() returns trigger language plpgsql as $$
  begin
    if ${condition} then
      raise exception 'not in this house' using errcode = '${state}';
    end if;
    return coalesce(new, old);
  end;
  $$;
  create trigger ours before ${events} on triaged.${table}
  for each row execute function public.refuse()`;

const GUILTY = "payload ->> 'text' = 'guilty'";
const IS_GUILTY = `new.${GUILTY}`;
const plain = (column: string) => `${column} is null or ${column} !~ '[^ -~[:cntrl:]]'`;

type Case = {
  readonly what: string;
  readonly statement?: string;
  readonly payload: { readonly as: string; readonly text?: string };
  readonly status: string;
  readonly error: RegExp | null;
};

const CASES: readonly Case[] = [
  {
    what: "a number that jsonb cannot hold",
    payload: { as: "number" },
    status: "failed",
    error: /^the result cannot be stored: value overflows numeric format/,
  },
  {
    what: "more levels than the server reads",
    statement: `do $$ begin
      execute format('alter database %I set max_stack_depth to ''100kB''', current_database());
    end; $$`,
    payload: { as: "deep" },
    status: "failed",
    error: /^the result cannot be stored: stack depth limit exceeded/,
  },
  {
    what: "a result that a constraint of others forbids",
    statement: checking("final_tasks", `not (result = '"guilty"')`),
    payload: { as: "result", text: "guilty" },
    status: "failed",
    error: /^the result cannot be stored: new row .* violates check constraint "ours"/,
  },
  {
    what: "a result that a unique index of others forbids",
    statement: `create unique index ours on triaged.final_tasks (result, ended_at, (1));
      create unique index ours_too on triaged.final_tasks_default (task_id);
      ${checking("final_tasks", `(1 / (case when result = '"guilty"' then 0 else 1 end)) = 1`)}`,
    payload: { as: "result", text: "guilty" },
    status: "failed",
    error: /^the result cannot be stored: division by zero/,
  },
  {
    what: "an error of characters that an encoding has not",
    statement: checking("final_tasks", plain("error")),
    payload: { as: "fail", text: "it costs 💶" },
    status: "failed",
    error: /cannot be stored: .*; it was: PermanentError: it costs \?$/,
  },
  {
    what: "an error that is never allowed",
    statement: checking("final_tasks", "error !~ 'PermanentError'"),
    payload: { as: "fail", text: "guilty" },
    status: "failed",
    error: /^the error cannot be stored \(23514\)$/,
  },
  {
    what: "an error of a retry, which stays a retry",
    statement: checking("live_tasks", plain("error")),
    payload: { as: "retry", text: "it costs 💶" },
    status: "queued",
    error: /it was: Error: it costs \?$/,
  },
  {
    what: "a reason of a snooze",
    statement: `alter table triaged.task_history add constraint ours
      check (detail is null or detail::text !~ 'guilty')`,
    payload: { as: "snooze", text: "guilty" },
    status: "queued",
    error: null,
  },
  {
    what: "a question",
    statement: raising("live_tasks", "update", "new.decision_prompt = 'guilty'", "22021"),
    payload: { as: "ask", text: "guilty" },
    status: "failed",
    error: /^the result cannot be stored: not in this house$/,
  },
  {
    what: "an effect",
    statement: checking("effects", "effect_key <> 'guilty'"),
    payload: { as: "effect", text: "guilty" },
    status: "failed",
    error: /^the result cannot be stored: new row .* violates check constraint "ours"/,
  },
  {
    what: "every end, by a trigger",
    statement: raising("final_tasks", "insert", IS_GUILTY),
    payload: { as: "result", text: "guilty" },
    status: "queued",
    error: null,
  },
  {
    what: "every end, by a code that another error has",
    statement: raising("final_tasks", "insert", IS_GUILTY, "42703"),
    payload: { as: "result", text: "guilty" },
    status: "queued",
    error: null,
  },
  {
    what: "any change of the task once it is started",
    statement: raising(
      "live_tasks",
      "update or delete",
      `old.status = 'started' and old.${GUILTY}`,
    ),
    payload: { as: "result", text: "guilty" },
    status: "started",
    error: null,
  },
  {
    what: "the end for the moment, as it is said, and for ever",
    statement: raising("final_tasks", "insert", IS_GUILTY, "40001"),
    payload: { as: "result", text: "guilty" },
    status: "started",
    error: null,
  },
];

test.for(CASES)(
  "a database that refuses $what ends no worker, and no other task",
  {
    timeout: 60_000,
  },
  async ({ statement, payload, status, error }, { url, client }) => {
    await client.query(statement ?? "");
    const innocents: string[] = [];
    const enqueueInnocents = async () => {
      for (let i = 0; i < INNOCENTS / 2; i += 1) {
        innocents.push(await enqueue(client, { task_type: "odd", payload: { as: "result" } }));
      }
    };
    await enqueueInnocents();
    const guilty = await enqueue(client, { task_type: "odd", payload });
    await enqueueInnocents();

    await using worker = startWorkerProcess(url, {
      tasks: TASKS,
      args: ["--concurrency", String(INNOCENTS + 1)],
    });
    for (const taskId of innocents) {
      await waitForStatus(client, taskId, "finished");
    }
    await waitForLog(worker, guilty);
    const task = await waitForStatus(client, guilty, status);

    if (error !== null) {
      expect(task.error).toMatch(error);
    }
    const afterwards = await enqueue(client, { task_type: "odd", payload: { as: "result" } });
    await waitForStatus(client, afterwards, "finished");
    expect((await readTask(client, guilty)).attempt_count).toBe(1);
    worker.signal("SIGTERM");
    expect(await worker.exited).toBe(0);
  },
);

test("endings that wait for an administrator are recorded as soon as they can be", async ({
  url,
  client,
}) => {
  await client.query(raising("final_tasks", "insert", IS_GUILTY));
  const guilty = await enqueue(client, {
    task_type: "odd",
    payload: { as: "result", text: "guilty" },
  });
  await using worker = startWorkerProcess(url, { tasks: TASKS });
  await waitForLog(worker, guilty);
  await waitForStatus(client, guilty, "queued");

  await client.query("drop trigger ours on triaged.final_tasks");
  await query(client, "update triaged.tasks set run_at = triaged.now() where task_id = $1", [
    guilty,
  ]);
  await waitForStatus(client, guilty, "finished");

  expect(await readStory(client, guilty)).toEqual([
    "enqueue queued",
    "claim started",
    "snooze queued",
    "claim started",
    "finish finished",
  ]);
});

test("a queue that cannot settle at all ends its workers, with the reason", async ({
  url,
  client,
}) => {
  await using worker = startWorkerProcess(url, { tasks: TASKS });
  await waitForStatus(
    client,
    await enqueue(client, { task_type: "odd", payload: { as: "result" } }),
    "finished",
  );

  await client.query("alter function triaged.finish_tasks rename to finish_no_tasks");
  const taskId = await enqueue(client, { task_type: "odd", payload: { as: "result" } });

  expect(await worker.exited).not.toBe(0);
  expect(JSON.stringify(worker.log())).toContain("finish_tasks");
  expect((await readTask(client, taskId)).status).not.toBe("failed");
});

async function waitForLog(worker: { log: () => Record<string, unknown>[] }, taskId: string) {
  await expect
    .poll(() => worker.log().filter((line) => line["taskId"] === taskId), { timeout: 20_000 })
    .toContainEqual(expect.objectContaining({ msg: "the database refuses the end of an attempt" }));
}

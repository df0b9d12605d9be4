// Goal: a client of the older system's REST finds its shapes, its words and its status codes.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { startGateway } from "../support/gateway.ts";
import { outcomeOf, settle, startTask } from "../support/tasks.ts";

const TASKS = "/api/agent/tasks";

test("a task is created, listed without its result, and read with it", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const created = await gateway.send("POST", TASKS, {
    json: { direction: "fix the build", task_type: "impl", context: { executor: "a" } },
  });
  const done = await startTask(client);
  await settle(client, [outcomeOf(done, "finish", { result: { text: "done" } })]);

  const list = await gateway.send("GET", `${TASKS}?limit=1&offset=0`);
  const finished = await gateway.send("GET", `${TASKS}?status=completed&task_type=noop`);
  const one = await gateway.send("GET", `${TASKS}/${done.task_id}`);

  expect(created).toMatchObject({
    status: 201,
    body: {
      id: expect.stringMatching(/^\d+$/),
      status: "pending",
      direction: "fix the build",
      context: { executor: "a" },
      output: null,
    },
  });
  expect(list.body).toMatchObject({ tasks: [{ id: done.task_id }], total: 2 });
  expect(list.body.tasks[0]).not.toHaveProperty("output");
  expect(finished.body).toMatchObject({ tasks: [{ status: "completed" }], total: 1 });
  expect(one.body).toMatchObject({ status: "completed", output: { text: "done" } });
  expect((await gateway.send("GET", `${TASKS}?offset=2`)).body).toEqual({ tasks: [], total: 2 });
});

test("tasks are counted by their words, and those that wait for a person are listed", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const asks = await startTask(client);
  const fails = await startTask(client, { max_attempts: 1 });
  await settle(client, [
    outcomeOf(asks, "ask", { prompt: "which one?" }),
    outcomeOf(fails, "fail", { error: "broken" }),
  ]);
  await gateway.send("POST", TASKS, { json: { direction: "x", task_type: "t" } });

  const count = await gateway.send("GET", `${TASKS}/count`);
  const attention = await gateway.send("GET", `${TASKS}/attention`);

  expect(count.body).toEqual({
    total: 3,
    by_status: { pending: 1, needs_decision: 1, failed: 1 },
    is_estimate: false,
  });
  expect(attention.body.total).toBe(2);
  expect(attention.body.tasks).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: asks.task_id, status: "needs_decision", detail: "which one?" }),
      expect.objectContaining({ id: fails.task_id, status: "failed", detail: "broken" }),
    ]),
  );
});

test("a PATCH decides, cancels and retries, and is refused as the older system refused it", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const patch = (id: string, json: unknown) => gateway.send("PATCH", `${TASKS}/${id}`, { json });
  const { body: task } = await gateway.send("POST", TASKS, {
    json: { direction: "x", task_type: "t" },
  });
  const asks = await startTask(client);
  await settle(client, [outcomeOf(asks, "ask", { prompt: "which one?" })]);
  const held = await startTask(client);
  await client.query("update triaged.workers set name = 'agent-7' where worker_id = $1", [
    held["worker_id"],
  ]);

  expect(await patch(task.id, {})).toMatchObject({ status: 400, body: { error: "nothing_to_do" } });
  expect(await patch(task.id, { worker_id: "w" })).toMatchObject({ status: 400 });
  expect(await patch("4711", { status: "cancelled" })).toMatchObject({ status: 404 });
  expect(await patch(task.id, { progress_pct: 101 })).toMatchObject({ status: 422 });
  expect(await patch(task.id, { status: "flying" })).toMatchObject({ status: 422 });
  expect(await patch(task.id, { state: "x" })).toMatchObject({
    status: 422,
    body: { message: 'body: Unrecognized key: "state"' },
  });
  expect(await patch(held.task_id, { status: "completed", output: "mine" })).toMatchObject({
    status: 409,
    body: { error: "held", message: expect.stringContaining("is held by worker") },
  });
  expect(await patch(task.id, { progress_pct: 10 })).toMatchObject({
    status: 409,
    body: { error: "not_held" },
  });
  expect(await patch(asks.task_id, { decision: "the first", status: "running" })).toMatchObject({
    status: 200,
    body: { status: "pending", decision: "the first" },
  });
  expect(await patch(task.id, { status: "cancelled" })).toMatchObject({
    status: 200,
    body: { status: "cancelled" },
  });
  expect(await patch(task.id, { status: "pending" })).toMatchObject({
    status: 200,
    body: { status: "pending" },
  });
});

test("decide, cancel and retry have doors of their own, and a wrong task is unprocessable", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  const create = (json: unknown) => gateway.send("POST", TASKS, { json });
  const { body: task } = await create({ direction: "x", task_type: "t" });
  const act = (word: string) => gateway.send("POST", `${TASKS}/${task.id}/${word}`);

  expect(await act("cancel")).toMatchObject({ status: 200, body: { status: "cancelled" } });
  expect(await act("retry")).toMatchObject({ status: 200, body: { status: "pending" } });
  expect(
    await gateway.send("POST", `${TASKS}/${task.id}/decide`, { json: { decision: "yes" } }),
  ).toMatchObject({ status: 409, body: { error: "illegal_transition" } });
  for (const wrong of [
    {},
    { direction: "", task_type: "t" },
    { direction: "x" },
    { direction: "x", task_type: "t", context: "text" },
    { direction: "x", task_type: "t", priority: 1 },
  ]) {
    expect((await create(wrong)).status).toBe(422);
  }
  expect((await gateway.send("GET", `${TASKS}?limit=101`)).status).toBe(400);
  expect((await gateway.send("GET", `${TASKS}?status=flying`)).status).toBe(400);
});

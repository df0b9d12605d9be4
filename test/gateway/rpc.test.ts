// Goal: JSON-RPC as its specification has it, under the names and with the codes of older systems.

import { expect } from "vitest";
import { found, test } from "../support/connections.ts";
import { keysOf, startGateway, type TestGateway } from "../support/gateway.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  settle,
  startTask,
  startWorker,
} from "../support/tasks.ts";

function rpc(gateway: TestGateway, json: unknown, key?: string) {
  return gateway.send("POST", "/rpc", key === undefined ? { json } : { json, key });
}

const request = (method: string, params: unknown = {}, id: unknown = 1) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});

const bodyOf = (...given: Parameters<typeof request>) => JSON.stringify(request(...given));

const message = (text: string, more: object = {}) => ({
  message: { messageId: `m ${text}`, role: "user", parts: [{ kind: "text", text }], ...more },
});

test.for(["tasks.get", "tasks/get"])(
  "%s answers with the task, in the words of 0.3",
  async (name, { expect: assert, url, client }) => {
    await using gateway = await startGateway(url);
    const done = await startTask(client, { metadata: JSON.stringify({ context_id: "c 1" }) });
    await settle(client, [outcomeOf(done, "finish", { result: { text: "done" } })]);

    const { status, body } = await rpc(gateway, request(name, { id: done.task_id }, "a"));

    assert(status).toBe(200);
    assert(body).toMatchObject({
      jsonrpc: "2.0",
      id: "a",
      result: {
        kind: "task",
        id: done.task_id,
        contextId: "c 1",
        status: { state: "completed", timestamp: assert.stringMatching(/Z$/) },
        artifacts: [{ artifactId: "result", parts: [{ kind: "data", data: { text: "done" } }] }],
        metadata: { task_type: "noop" },
      },
    });
  },
);

test("GetTask answers in the words of 1.0", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const id = await enqueue(client);
  const asks = await startTask(client);
  await settle(client, [outcomeOf(asks, "ask", { prompt: "which one?" })]);

  const first = await rpc(gateway, request("GetTask", { id }));
  const second = await rpc(gateway, request("GetTask", { id: asks.task_id }));

  expect(new Set([first.body.result.id, second.body.result.id])).toEqual(
    new Set([id, asks.task_id]),
  );
  expect(second.body.result).toMatchObject({
    status: {
      state: "TASK_STATE_INPUT_REQUIRED",
      message: { role: "ROLE_AGENT", parts: [{ text: "which one?" }] },
    },
  });
  expect(first.body.result).not.toHaveProperty("kind");
});

test("each kind of mistake has its code, and the id as far as it can be told", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url);
  const errorOf = async (body: string) => {
    const answer = await gateway.send("POST", "/rpc", {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(200);
    const { id, error } = answer.body;
    expect(error).toMatchObject({ message: expect.stringMatching(/\.$|:/), data: {} });
    return [error.code, id];
  };

  expect(await errorOf("{oops")).toEqual([-32_700, null]);
  expect(await errorOf(" ")).toEqual([-32_700, null]);
  expect(await errorOf("[]")).toEqual([-32_600, null]);
  expect(await errorOf("7")).toEqual([-32_600, null]);
  expect(await errorOf('{"jsonrpc":"1.0","id":3,"method":"tasks.get"}')).toEqual([-32_600, 3]);
  expect(await errorOf('{"jsonrpc":"2.0","id":{"a":1},"method":"tasks.get"}')).toEqual([
    -32_600,
    null,
  ]);
  expect(await errorOf(bodyOf("tasks.fly"))).toEqual([-32_601, 1]);
  expect(await errorOf(bodyOf("constructor"))).toEqual([-32_601, 1]);
  expect(await errorOf(bodyOf("tasks.get", { id: "x" }))).toEqual([-32_602, 1]);
  expect(await errorOf(bodyOf("tasks.get", ["4711"]))).toEqual([-32_602, 1]);
  expect(await errorOf(bodyOf("message/send", { message: { parts: [] } }))).toEqual([-32_602, 1]);
  expect(await errorOf(bodyOf("tasks.get", { id: "4711" }))).toEqual([-32_004, 1]);
  expect(await errorOf(bodyOf("tasks/get", { id: 4711 }))).toEqual([-32_004, 1]);
  expect(await errorOf(bodyOf("tasks.subscribe", { id: "4711" }))).toEqual([-32_004, 1]);
  expect(await errorOf(bodyOf("GetTask", { id: "4711" }))).toEqual([-32_001, 1]);
  expect(await errorOf(`[${Array(101).fill(bodyOf("tasks.get")).join(",")}]`)).toEqual([
    -32_600,
    null,
  ]);
});

test("a key is asked for, and its rights, with the status of HTTP", async ({ database }) => {
  await using gateway = await startGateway(database.url, { keys: keysOf(["read"]) });

  const without = await rpc(gateway, request("tasks.get"));
  const reader = await rpc(gateway, request("message/send", message("hello")), "key-of-read");

  expect(without).toMatchObject({ status: 401, body: { jsonrpc: "2.0", id: null } });
  expect(without.headers.get("www-authenticate")).toBe("ApiKey");
  expect(without.body.error.code).toBe(-32_000);
  expect(reader).toMatchObject({
    status: 403,
    body: { id: 1, error: { code: -32_000, data: { error: "role_missing" } } },
  });
});

test("a batch is answered request by request, and notifications are not", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const id = await enqueue(client);

  const { body } = await rpc(gateway, [
    request("tasks.get", { id }, "a"),
    { jsonrpc: "2.0", method: "message/send", params: message("of a notification") },
    1,
    request("tasks.get", { id: "4711" }, null),
    { jsonrpc: "2.0", method: "tasks.get", params: { id: "4711" } },
    request("tasks.subscribe", { id }, 7),
  ]);
  const silent = await rpc(gateway, [
    { jsonrpc: "2.0", method: "message/send", params: message("of another") },
  ]);
  const single = await rpc(gateway, { jsonrpc: "2.0", method: "nothing.like.this" });

  expect(body).toMatchObject([
    { id: "a", result: { id } },
    { id: null, error: { code: -32_600 } },
    { id: null, error: { code: -32_004 } },
    { id: 7, error: { code: -32_600 } },
  ]);
  expect([silent.status, silent.body]).toEqual([204, ""]);
  expect([single.status, single.body]).toEqual([204, ""]);
  const rows = await query(
    client,
    "select payload ->> 'text' as text from triaged.tasks where task_type = 'message' order by 1",
  );
  expect(rows.map(({ text }) => text)).toEqual(["of a notification", "of another"]);
});

test("a message becomes a task, once however often it is sent", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const given = {
    ...message("build it", {
      contextId: "c 7",
      metadata: { task_type: "build", queue: "slow", priority: "high", note: "x" },
    }),
  };
  const data = {
    message: { messageId: "m", parts: [{ data: { n: 12345678901234567890n.toString() } }] },
    metadata: { task_type: "count" },
    configuration: { returnImmediately: true },
  };

  const first = await rpc(gateway, request("message/send", given));
  const again = await rpc(gateway, request("message.send", given));
  const newer = await rpc(gateway, request("SendMessage", data));

  expect(first.body.result).toMatchObject({
    kind: "task",
    contextId: "c 7",
    status: { state: "submitted" },
  });
  expect(again.body.result.id).toBe(first.body.result.id);
  expect(newer.body.result).toMatchObject({ task: { status: { state: "TASK_STATE_SUBMITTED" } } });
  expect(
    await query(
      client,
      "select task_type, queue, priority, payload, metadata from triaged.tasks order by task_id",
    ),
  ).toMatchObject([
    {
      task_type: "build",
      queue: "slow",
      priority: 1,
      payload: { text: "build it", message: { parts: [{ text: "build it" }] } },
      metadata: { context_id: "c 7", note: "x" },
    },
    { task_type: "count", payload: { n: "12345678901234567890" } },
  ]);
  expect(
    await rpc(gateway, request("message/send", message("x", { metadata: { priority: 9 } }))),
  ).toMatchObject({
    body: { error: { code: -32_602, message: expect.stringContaining("priority") } },
  });
});

test("a message to a task that asks is its answer, and to any other is refused", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const asks = await startTask(client);
  await settle(client, [outcomeOf(asks, "ask", { prompt: "which one?" })]);

  const answered = await rpc(
    gateway,
    request("message/send", message("the first", { taskId: asks.task_id })),
  );
  const again = await rpc(
    gateway,
    request("message/send", message("the second", { taskId: asks.task_id })),
  );

  expect(answered.body.result).toMatchObject({
    id: asks.task_id,
    status: { state: "submitted" },
  });
  expect(again.body.error).toMatchObject({ code: -32_602 });
  const [row] = await query(client, "select decision from triaged.tasks");
  expect(row).toEqual({ decision: "the first" });
});

test("a task is cancelled, and one that has ended is not", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const id = await enqueue(client);

  const first = await rpc(gateway, request("tasks.cancel", { id }));
  const again = await rpc(gateway, request("CancelTask", { id }));

  expect(first.body.result).toMatchObject({ id, status: { state: "canceled" } });
  expect(again.body.error).toMatchObject({ code: -32_002 });
});

test("tasks are listed by context and state, page by page", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push(await enqueue(client, { metadata: JSON.stringify({ context_id: "c" }) }));
  }
  await enqueue(client);
  const list = async (params: object) =>
    (await rpc(gateway, request("ListTasks", params))).body.result;

  const first = await list({ contextId: "c", pageSize: 2, status: "TASK_STATE_SUBMITTED" });
  const second = await list({ contextId: "c", pageSize: 2, pageToken: first.nextPageToken });

  expect(first).toMatchObject({ pageSize: 2, totalSize: 3 });
  expect([...first.tasks, ...second.tasks].map(({ id }) => id)).toEqual(ids.toReversed());
  expect(second.nextPageToken).toBe("");
  expect((await list({ status: "TASK_STATE_WORKING" })).tasks).toEqual([]);
});

test("a subscription tells of the task, of what becomes of it, and ends with it", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const id = await enqueue(client);

  const answer = await fetch(`${gateway.url}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request("tasks.subscribe", { id }, 9)),
  });
  const worker = await startWorker(client);
  const [task] = await claimTasks(client, worker);
  await settle(client, [outcomeOf(found(task), "finish", { result: [1, 2] })]);
  const text = await answer.text();

  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const told = text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice("data: ".length)));
  expect(told.every((one) => one.id === 9 && one.jsonrpc === "2.0")).toBe(true);
  expect(told.map(({ result }) => result)).toMatchObject([
    { kind: "task", id, status: { state: "submitted" } },
    { kind: "status-update", taskId: id, status: { state: "working" }, final: false },
    {
      kind: "artifact-update",
      taskId: id,
      artifact: { parts: [{ kind: "data", data: { value: [1, 2] } }] },
    },
    { kind: "status-update", taskId: id, status: { state: "completed" }, final: true },
  ]);
});

test("subscriptions do not count as requests that are not answered", async ({ url, client }) => {
  await using gateway = await startGateway(url, { limits: { requestsInFlight: 2, streams: 3 } });
  const id = await enqueue(client);
  const over = new AbortController();
  const subscribe = () =>
    fetch(`${gateway.url}/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request("tasks/resubscribe", { id })),
      signal: over.signal,
    });

  const open = [await subscribe(), await subscribe(), await subscribe()];
  const fourth = await (await subscribe()).json();

  expect(open.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(fourth).toMatchObject({ id: 1, error: { code: -32_003 } });
  expect((await rpc(gateway, request("tasks.get", { id }))).status).toBe(200);
  over.abort();
});

test("slow answers, and too many at a time, have their codes", async ({ database }) => {
  await using slow = await startGateway(database.url, { limits: { answerMs: 200 } });
  await using busy = await startGateway(database.url, { limits: { requestsInFlight: 0 } });
  const holder = await slow.pool.connect();
  await holder.query("begin; lock table triaged.live_tasks in access exclusive mode");

  const late = await rpc(slow, request("tasks.get", { id: "1" }));
  await holder.query("rollback");
  holder.release();
  const shed = await rpc(busy, request("tasks.get", { id: "1" }));

  expect(late).toMatchObject({ status: 503, body: { error: { code: -32_098 } } });
  expect(shed).toMatchObject({ status: 503, body: { error: { code: -32_003 } } });
  expect(shed.headers.get("retry-after")).toBe("1");
});

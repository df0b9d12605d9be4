// Goal: the queue by HTTP: enqueue, list page by page, look, act, with the rules of the database.

import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { keysOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { outcomeOf, query, settle, startTask, startWorker } from "../support/tasks.ts";

const KEYS = keysOf(["read", "enqueue", "operate", "admin"]);

async function enqueueOne(gateway: TestGateway, task: object): Promise<string> {
  const { status, body } = await gateway.send("POST", "/api/tasks", { json: task });
  expect(status).toBe(201);
  return body.task_id;
}

test("a task is enqueued with all that it may say, and read as it is", async ({ url }) => {
  await using gateway = await startGateway(url);
  const parent = await enqueueOne(gateway, { task_type: "noop" });
  const given = {
    task_type: "send_mail",
    payload: { to: "a@b.c", nested: { list: [1, "ü", null] } },
    queue: "mail",
    priority: "high",
    run_at: "2099-01-01T00:00:00+02:00",
    max_attempts: 7,
    dedupe_key: "order 42",
    parent_task_id: parent,
    metadata: { context_id: "c-1" },
  };

  const created = await gateway.send("POST", "/api/tasks", { json: given });
  const { body } = await gateway.send("GET", `/api/tasks/${created.body.task_id}`);

  expect(created).toMatchObject({ status: 201, body: { outcome: "created" } });
  expect(created.headers.get("location")).toBe(`/api/tasks/${created.body.task_id}`);
  expect(body).toMatchObject({
    ...given,
    priority: 1,
    run_at: "2098-12-31T22:00:00.000Z",
    status: "queued",
    root_task_id: parent,
    result: null,
  });
});

test("an Idempotency-Key enqueues once, also when the task has ended", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const headers = { "idempotency-key": "request 7" };
  const json = { task_type: "noop", payload: { a: 1 } };
  const ask = () => gateway.send("POST", "/api/tasks", { json, headers });

  const first = await ask();
  const second = await ask();
  await client.query("select triaged.cancel_task($1)", [first.body.task_id]);
  const third = await ask();

  expect(first).toMatchObject({ status: 201, body: { outcome: "created" } });
  for (const again of [second, third]) {
    expect(again).toMatchObject({
      status: 200,
      body: { task_id: first.body.task_id, outcome: "duplicate" },
    });
  }
});

test("many tasks are enqueued in one request: all in their order, or none", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const tasks = Array.from({ length: 10_000 }, (_, n) => ({ task_type: "noop", payload: { n } }));
  const startedMs = performance.now();

  const many = await gateway.send("POST", "/api/tasks", { json: tasks });
  const lines = await gateway.send("POST", "/api/tasks", {
    body: `${tasks
      .slice(0, 3)
      .map((task) => JSON.stringify(task))
      .join("\n")}\n`,
    headers: { "content-type": "application/x-ndjson", "idempotency-key": "lines" },
  });
  const again = await gateway.send("POST", "/api/tasks", {
    json: tasks.slice(0, 3),
    headers: { "idempotency-key": "lines" },
  });
  const wrong = await gateway.send("POST", "/api/tasks", {
    json: [{ task_type: "noop" }, { task_type: "noop", payload: { a: "\0" } }],
  });
  const tooMany = await gateway.send("POST", "/api/tasks", { json: [...tasks, tasks[0]] });

  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect([many.status, many.body.tasks.length]).toEqual([201, 10_000]);
  expect(lines.body.tasks).toMatchObject([1, 2, 3].map(() => ({ outcome: "created" })));
  expect(again.body.tasks).toEqual(
    lines.body.tasks.map((each: object) => ({ ...each, outcome: "duplicate" })),
  );
  expect(wrong).toMatchObject({
    status: 422,
    body: {
      error: "invalid_payload",
      message: expect.stringContaining("body.1: payload.a holds a NUL"),
    },
  });
  expect(tooMany.status).toBe(422);
  const [row] = await query(client, "select count(*)::integer as count from triaged.live_tasks");
  expect(row).toEqual({ count: 10_003 });
});

test("pages go through all tasks, each once, whatever comes and ends meanwhile", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  const tasks = Array.from({ length: 25 }, (_, n) => ({ task_type: "noop", payload: { n } }));
  // In one statement: all of them were created at the same microsecond.
  const { body } = await gateway.send("POST", "/api/tasks", { json: tasks });
  const ids: string[] = body.tasks.map(({ task_id }: { task_id: string }) => task_id);
  const seen: string[] = [];

  let next: string | null = "";
  for (let page = 0; next !== null; page += 1) {
    expect(page).toBeLessThan(10);
    const after: string = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
    const answer = await gateway.send("GET", `/api/tasks?limit=10${after}`);
    seen.push(...answer.body.tasks.map(({ task_id }: { task_id: string }) => task_id));
    next = answer.body.next;
    await enqueueOne(gateway, { task_type: "later" });
    await gateway.send("POST", `/api/tasks/${seen[0]}/cancel`);
  }

  expect(seen).toEqual(ids.toReversed());
});

test("a list is of a queue, type, status, context, repository or parent", async ({ url }) => {
  await using gateway = await startGateway(url);
  const parent = await enqueueOne(gateway, { task_type: "p", queue: "q1" });
  const a = await enqueueOne(gateway, {
    task_type: "a",
    payload: { source_repo: "o/s", target_repo: "o/t" },
    metadata: { context_id: "c 1" },
  });
  const b = await enqueueOne(gateway, { task_type: "b", parent_task_id: parent });
  await gateway.send("POST", `/api/tasks/${b}/cancel`);
  const idsOf = async (filter: string) => {
    const { body } = await gateway.send("GET", `/api/tasks?${filter}`);
    return body.tasks.map(({ task_id }: { task_id: string }) => task_id);
  };

  expect(await idsOf("queue=q1")).toEqual([parent]);
  expect(await idsOf("type=a")).toEqual([a]);
  expect(await idsOf("status=cancelled")).toEqual([b]);
  expect(await idsOf("context=c%201")).toEqual([a]);
  expect(await idsOf("repo=o/s")).toEqual([a]);
  expect(await idsOf("repo=o/t")).toEqual([a]);
  expect(await idsOf(`parent=${parent}`)).toEqual([b]);
  expect(await idsOf("type=a&status=failed")).toEqual([]);
});

test("numbers keep all of their digits, there and back", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const payload =
    '{"big":12345678901234567890,"negative":-9007199254740993,"long":0.12345678901234567891,"plain":1.5}';

  const { body } = await gateway.send("POST", "/api/tasks", {
    body: `{"task_type":"noop","payload":${payload},"metadata":{"n":9007199254740993}}`,
    headers: { "content-type": "application/json" },
  });

  const answer = await fetch(`${gateway.url}/api/tasks/${body.task_id}`);
  const text = await answer.text();
  for (const digits of [
    '"big":12345678901234567890',
    '"negative":-9007199254740993',
    '"long":0.12345678901234567891',
    '"n":9007199254740993',
  ]) {
    expect(text).toContain(digits);
  }
  const [row] = await query(client, "select payload::text from triaged.live_tasks");
  expect(row?.["payload"]).toContain("12345678901234567890");
});

test("a task is cancelled, retried and decided by its caller, as far as it may be", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { keys: KEYS });
  const act = (way: string, json?: unknown, key = "key-of-operate") =>
    gateway.send("POST", `/api/tasks/${way}`, json === undefined ? { key } : { key, json });
  const { body: made } = await gateway.send("POST", "/api/tasks", {
    json: { task_type: "ask" },
    key: "key-of-enqueue",
  });
  const id: string = made.task_id;

  expect(await act(`${id}/cancel`, undefined, "key-of-enqueue")).toMatchObject({
    status: 403,
    body: { error: "role_missing" },
  });
  expect(await act(`${id}/decide`, { decision: "yes" })).toMatchObject({
    status: 409,
    body: { error: "illegal_transition", hint: expect.any(String) },
  });
  expect(await act(`${id}/cancel`)).toMatchObject({ status: 200, body: { outcome: "cancelled" } });
  expect(await act(`${id}/cancel`)).toMatchObject({ status: 409 });
  expect(await act(`${id}/retry`)).toMatchObject({ status: 200, body: { status: "queued" } });
  expect(await act("999999/retry")).toMatchObject({ status: 404, body: { error: "unknown_task" } });
  const task = await startTask(client);
  await settle(client, [outcomeOf(task, "ask", { prompt: "may I?" })]);
  expect(await act(`${task.task_id}/decide`, { decision: { go: true } })).toMatchObject({
    status: 200,
  });
  expect(
    (await gateway.send("GET", `/api/tasks/${task.task_id}`, { key: "key-of-read" })).body,
  ).toMatchObject({ status: "queued", decision: { go: true } });

  const { body } = await gateway.send("GET", `/api/tasks/${id}/history`, { key: "key-of-read" });
  expect(
    body.history.map(({ event, actor }: Record<string, string>) => `${event} by ${actor}`),
  ).toEqual(["enqueue by enqueue-key", "cancel by operate-key", "retry by operate-key"]);
  const why = await gateway.send("GET", `/api/tasks/${id}/why`, { key: "key-of-read" });
  expect(why.body.reasons[0]).toEqual({ reason: expect.any(String), hint: expect.anything() });
});

test("a task that is not there is told of, and why says so", async ({ url }) => {
  await using gateway = await startGateway(url);

  expect(await gateway.send("GET", "/api/tasks/4711")).toMatchObject({
    status: 404,
    body: { error: "unknown_task", message: "There is no task 4711." },
  });
  expect((await gateway.send("GET", "/api/tasks/4711/history")).status).toBe(404);
  expect((await gateway.send("GET", "/api/tasks/4711/why")).body.reasons).toHaveLength(1);
});

test("queues and task types are paused and resumed, by names of any letters", async ({ url }) => {
  await using gateway = await startGateway(url);
  const name = "q/ü?&%".repeat(30);
  await enqueueOne(gateway, { task_type: "noop", queue: name });
  const way = `/api/queues/${encodeURIComponent(name)}`;

  const paused = await gateway.send("POST", `${way}/pause`);
  await gateway.send("POST", "/api/task-types/noop/pause");
  const { body } = await gateway.send("GET", "/api/queues");
  await gateway.send("POST", `${way}/resume`);
  await gateway.send("POST", "/api/task-types/noop/resume");
  const after = await gateway.send("GET", "/api/queues");

  expect(paused.body).toEqual({ kind: "queue", name, outcome: "paused" });
  expect(body.queues).toMatchObject([
    { queue: name, task_type: "noop", status: "queued", count: 1 },
  ]);
  expect(body.paused).toMatchObject([
    { kind: "queue", name },
    { kind: "task type", name: "noop" },
  ]);
  expect(after.body.paused).toEqual([]);
});

test("workers and schedules are listed", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  await startWorker(client, { name: "w-1", task_types: ["noop"] });

  const workers = await waitFor(async () => {
    const { body } = await gateway.send("GET", "/api/workers");
    return body.workers;
  });

  expect(workers).toMatchObject([{ name: "w-1", task_types: ["noop"], held: 0 }]);
  expect(await gateway.send("GET", "/api/schedules")).toMatchObject({
    status: 200,
    body: { schedules: [] },
  });
});

test("the document describes each door, and each reference in it leads somewhere", async ({
  url,
}) => {
  await using gateway = await startGateway(url);
  const { body } = await gateway.send("GET", "/openapi.json");
  const text = JSON.stringify(body);

  expect(Object.keys(body.paths).toSorted()).toEqual([
    "/",
    "/.well-known/agent-card.json",
    "/.well-known/agent.json",
    "/a2a/execute",
    "/a2a/health",
    "/a2a/skills",
    "/api/agent/tasks",
    "/api/agent/tasks/attention",
    "/api/agent/tasks/count",
    "/api/agent/tasks/{id}",
    "/api/agent/tasks/{id}/cancel",
    "/api/agent/tasks/{id}/decide",
    "/api/agent/tasks/{id}/retry",
    "/api/audit",
    "/api/effects",
    "/api/effects/{id}/retry",
    "/api/events",
    "/api/operations",
    "/api/operations/preview",
    "/api/operations/{id}",
    "/api/operations/{id}/abort",
    "/api/queues",
    "/api/queues/{name}/pause",
    "/api/queues/{name}/resume",
    "/api/relationships",
    "/api/relationships/{owner}/{name}",
    "/api/schedules",
    "/api/schedules/{name}/pause",
    "/api/schedules/{name}/resume",
    "/api/schedules/{name}/run",
    "/api/task-types/{name}/pause",
    "/api/task-types/{name}/resume",
    "/api/tasks",
    "/api/tasks/{id}",
    "/api/tasks/{id}/cancel",
    "/api/tasks/{id}/decide",
    "/api/tasks/{id}/events",
    "/api/tasks/{id}/history",
    "/api/tasks/{id}/priority",
    "/api/tasks/{id}/retry",
    "/api/tasks/{id}/run-at",
    "/api/tasks/{id}/why",
    "/api/test/consumer-triage",
    "/api/test/template-triage",
    "/api/verify",
    "/api/webhook/change-notification",
    "/api/webhook/github",
    "/api/workers",
    "/health",
    "/metrics",
    "/ready",
    "/rpc",
  ]);
  expect(body.components.schemas.NewTaskInput).toMatchObject({
    required: ["task_type"],
    additionalProperties: false,
  });
  const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)];
  expect(references.length).toBeGreaterThan(20);
  for (const [, name = ""] of references) {
    expect(body.components.schemas).toHaveProperty([name]);
  }
});

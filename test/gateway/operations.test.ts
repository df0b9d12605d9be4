// Goal: over HTTP a person acts on all tasks that match, reads who did what, and says why.

import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { addEffect } from "../support/effects.ts";
import { keysOf, startGateway } from "../support/gateway.ts";
import { enqueue, query, readHistory } from "../support/tasks.ts";

const KEYS = keysOf(["read", "operate"]);
const key = "key-of-operate";

test("a cancel over REST and over RPC is an operation with its door and its reason", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { keys: KEYS });
  const [one, other] = [await enqueue(client), await enqueue(client)];

  await gateway.send("POST", `/api/tasks/${one}/cancel`, {
    key,
    headers: { "x-reason": encodeURIComponent("zu früh") },
  });
  await gateway.send("POST", "/rpc", {
    key,
    json: { jsonrpc: "2.0", id: 1, method: "tasks.cancel", params: { id: other } },
  });

  const operations = await query(
    client,
    "select action, actor, reason, door, task_id from triaged.operations order by operation_id",
  );
  expect(operations).toEqual([
    { action: "cancel", actor: "operate-key", reason: "zu früh", door: "rest", task_id: one },
    { action: "cancel", actor: "operate-key", reason: null, door: "rpc", task_id: other },
  ]);
});

test("an operation on all that match is previewed, begun once, read and aborted", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { keys: KEYS });
  const taskId = await enqueue(client, { queue: "night", payload: { region: "eu" } });
  await enqueue(client);
  const filter = { queue: "night", payload: { region: "eu" } };
  const send = (way: string, body: unknown) =>
    gateway.send("POST", `/api/operations${way}`, { key, json: body });

  const preview = await send("/preview", { action: "cancel", filter });
  expect(preview.body).toEqual({ count: 1, is_estimate: false });

  const begun = { action: "cancel", filter, reason: "not needed", request_key: "k1" };
  const first = await send("", begun);
  expect(first.status).toBe(202);
  expect((await send("", begun)).body).toEqual(first.body);
  const way = String(first.headers.get("location"));

  expect((await gateway.send("GET", way, { key })).body).toMatchObject({
    action: "cancel",
    actor: "operate-key",
    reason: "not needed",
    door: "rest",
    target: filter,
    expected: 1,
    status: "running",
  });
  const abort = await gateway.send("POST", `${way}/abort`, { key });
  expect(abort.body).toMatchObject({ aborted: true });
  const listed = await gateway.send("GET", "/api/operations?actor=operate-key", { key });
  expect(listed.body).toMatchObject({ operations: [{ action: "abort" }, { action: "cancel" }] });
  expect(await readHistory(client, taskId)).toHaveLength(1);
});

test.for([
  { body: { action: "cancel", filter: {} }, status: 422 },
  { body: { action: "cancel", filter: {}, reason: " " }, status: 422 },
  { body: { action: "cancel", filter: { queues: "a" }, reason: "r" }, status: 422 },
  { body: { action: "cancel", filter: {}, reason: "r", priority: 1 }, status: 422 },
  { body: { action: "change_priority", filter: {}, reason: "r" }, status: 422 },
  { body: { action: "change_run_at", filter: {}, reason: "r" }, status: 422 },
  { body: { action: "retry", filter: { status: "queued" }, reason: "r" }, status: 409 },
])("$body is refused with $status", async ({ body, status }, { database }) => {
  await using gateway = await startGateway(database.url, { keys: KEYS });

  const answer = await gateway.send("POST", "/api/operations", { key, json: body });

  expect(answer.status).toBe(status);
});

test("a key that may only read begins, aborts and verifies nothing", async ({ database }) => {
  await using gateway = await startGateway(database.url, { keys: KEYS });
  const json = { action: "cancel", filter: {}, reason: "r" };

  for (const [way, sent] of [
    ["/api/operations", { json }],
    ["/api/operations/1/abort", {}],
    ["/api/verify", {}],
  ] as const) {
    expect((await gateway.send("POST", way, { key: "key-of-read", ...sent })).status).toBe(403);
  }
});

test("a schedule is paused, run and resumed, each as an operation", async ({ url, client }) => {
  const schedulesFile = path.join(import.meta.dirname, "../fixtures/dashboard/crontab");
  await using gateway = await startGateway(url, { keys: KEYS, schedulesFile });
  const act = (word: string, name = "ledger") =>
    gateway.send("POST", `/api/schedules/${name}/${word}`, {
      key,
      headers: { "x-reason": "the ledger is away" },
    });
  const listed = async () => {
    const { body } = await gateway.send("GET", "/api/schedules", { key });
    return body.schedules.find((one: { schedule: string }) => one.schedule === "ledger");
  };

  expect((await act("pause")).body).toEqual({ schedule: "ledger", changed: true });
  expect((await act("pause")).body).toEqual({ schedule: "ledger", changed: false });
  expect(await listed()).toMatchObject({
    in_words: "Every 15 minutes",
    paused_at: expect.any(String),
  });
  const run = await act("run");
  expect(run).toMatchObject({ status: 201, body: { schedule: "ledger", outcome: "created" } });
  expect(
    (await gateway.send("GET", run.headers.get("location") ?? "", { key })).body,
  ).toMatchObject({
    task_type: "sync_invoice",
    queue: "billing",
  });
  expect((await act("resume")).body).toEqual({ schedule: "ledger", changed: true });
  expect((await act("run", "nobodys")).status).toBe(404);
  const refused = await gateway.send("POST", "/api/schedules/ledger/run", { key: "key-of-read" });
  expect(refused.status).toBe(403);

  const told = await query(
    client,
    "select action, actor, reason, door from triaged.operations order by operation_id",
  );
  const who = { actor: "operate-key", reason: "the ledger is away", door: "rest" };
  expect(told).toEqual([
    { action: "pause_schedule", ...who },
    { action: "run_schedule", ...who },
    { action: "resume_schedule", ...who },
  ]);
});

test("one task is changed, and an effect tried again, each as an operation", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url, { keys: KEYS });
  const id = await enqueue(client);
  const effect = await addEffect(client, { kind: "webhook" });
  await client.query("update triaged.effects set status = 'failed', last_error = 'gone'");
  const post = (way: string, json?: unknown) =>
    gateway.send("POST", `/api${way}`, { key, ...(json === undefined ? {} : { json }) });

  expect((await post(`/tasks/${id}/priority`, { priority: 0 })).body).toEqual({
    task_id: id,
    changed: true,
  });
  expect((await post(`/tasks/${id}/priority`, { priority: 9 })).status).toBe(422);
  const later = { run_at: "2100-01-01T00:00:00Z" };
  expect((await post(`/tasks/${id}/run-at`, later)).body).toMatchObject({ changed: true });
  expect((await post(`/tasks/${id}/run-at`, later)).body).toMatchObject({ changed: false });
  const failed = await gateway.send("GET", "/api/effects?status=failed", { key: "key-of-read" });
  expect(failed.body).toMatchObject({ effects: [{ effect_id: effect }], next: null });
  expect((await post(`/effects/${effect}/retry`)).body).toMatchObject({ retried: true });

  const told = await query(
    client,
    "select action, actor, door from triaged.operations order by operation_id",
  );
  const who = { actor: "operate-key", door: "rest" };
  expect(told).toEqual([
    { action: "change_priority", ...who },
    { action: "change_run_at", ...who },
    { action: "retry_effect", ...who },
  ]);
});

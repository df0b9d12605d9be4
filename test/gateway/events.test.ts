// Goal: whoever listens by HTTP is told of each transition once, also when it connects again, and
// of the reason where a stream ends.

import { once } from "node:events";
import { connect } from "node:net";
import { EventSource } from "eventsource";
import type { Client } from "pg";
import { expect } from "vitest";
import { found, test, waitFor } from "../support/connections.ts";
import { keysOf, startGateway, startServe } from "../support/gateway.ts";
import { claimTasks, enqueue, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";

type Heard = {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
};

const EVENTS = ["task", "begin", "transition", "database", "end", "reconnect"];

/** A real client, and all that it heard; it ends with the scope. */
function listen(url: string): Disposable & {
  readonly source: EventSource;
  readonly heard: Heard[];
  readonly codes: (number | undefined)[];
} {
  const source = new EventSource(url);
  const heard: Heard[] = [];
  const codes: (number | undefined)[] = [];
  for (const event of EVENTS) {
    source.addEventListener(event, ({ data, lastEventId }) => {
      heard.push({ event, id: lastEventId, data: JSON.parse(String(data)) });
    });
  }
  source.addEventListener("error", ({ code }) => codes.push(code));
  return { source, heard, codes, [Symbol.dispose]: () => source.close() };
}

/** The text of a stream until it ends, or so many of its events are there. */
async function textOf(url: string, { headers = {}, events = Number.POSITIVE_INFINITY } = {}) {
  const over = new AbortController();
  const answer = await fetch(url, { headers, signal: over.signal });
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.split("event: ").length > events) break;
  }
  over.abort();
  return { status: answer.status, headers: answer.headers, text };
}

async function finish(client: Client, taskType = "one"): Promise<void> {
  const worker = await startWorker(client, { task_types: [taskType] });
  const [task] = await claimTasks(client, worker);
  await settle(client, [outcomeOf(found(task), "finish", { result: { n: 1 } })]);
}

const kinds = (heard: readonly Heard[]) =>
  heard.map(({ event, data }) => (event === "transition" ? data["event"] : event));

test("a task is told as it is, then by each transition, until it is final", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client, { task_type: "one", payload: { a: 1 } });
  using listener = listen(`${gateway.url}/api/tasks/${taskId}/events`);
  await waitFor(() => listener.heard.length === 1);

  await finish(client);

  await waitFor(() => listener.heard.some(({ event }) => event === "end"));
  expect(kinds(listener.heard)).toEqual(["task", "claim", "finish", "end"]);
  expect(listener.heard[0]).toMatchObject({
    id: "1",
    data: { task_id: taskId, status: "queued", payload: { a: 1 } },
  });
  expect(listener.heard[2]).toMatchObject({
    id: "3",
    data: { id: "3", task_id: taskId, status: "finished", task_type: "one", queue: "default" },
  });
  // It connects again by itself, and is told that there is no more.
  await waitFor(() => listener.source.readyState === EventSource.CLOSED);
  expect(kinds(listener.heard)).toEqual(["task", "claim", "finish", "end"]);
  expect(listener.codes).toContain(204);
});

test("a final task is told as it is, and that is all", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client, { task_type: "one", payload: { big: 1 } });
  await client.query("select triaged.cancel_task($1)", [taskId]);

  const { status, headers, text } = await textOf(`${gateway.url}/api/tasks/${taskId}/events`);

  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(headers.get("content-encoding")).toBeNull();
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(text).toMatch(/^retry: \d+\n\nid: 2\nevent: task\ndata: .*"status":"cancelled".*\n\n/);
  expect(text).toMatch(/event: end\ndata: \{"status":"cancelled"\}\n\n$/);
});

test("a transition that commits while a stream begins is in its first task, and not told again", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client, { task_type: "one" });
  const worker = await startWorker(client, { task_types: ["one"] });
  await client.query("begin");
  await client.query("lock table triaged.live_tasks in access exclusive mode");
  using listener = listen(`${gateway.url}/api/tasks/${taskId}/events`);
  // It follows, has looked for the newest transition, and is about to read the task.
  await waitFor(async () => {
    const waiting = await query(
      client,
      "select from pg_locks where not granted and relation = 'triaged.live_tasks'::regclass",
    );
    return waiting.length > 0;
  });
  const [task] = await claimTasks(client, worker);
  await client.query("commit");
  await waitFor(() => listener.heard.length > 0);

  await settle(client, [outcomeOf(found(task), "finish", { result: { n: 1 } })]);

  await waitFor(() => listener.heard.some(({ event }) => event === "end"));
  expect(listener.heard[0]).toMatchObject({ id: "2", data: { status: "started" } });
  expect(kinds(listener.heard)).toEqual(["task", "finish", "end"]);
});

test("Last-Event-ID goes on without loss or repetition", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const taskId = await enqueue(client, { task_type: "one" });
  const address = `${gateway.url}/api/tasks/${taskId}/events`;
  const first = await textOf(address, { events: 1 });
  await finish(client);

  const later = await textOf(address, { headers: { "last-event-id": "1" } });
  const byQuery = await textOf(`${address}?after=2`);
  const over = await textOf(address, { headers: { "last-event-id": "3" } });

  expect(first.text).toContain("event: task\n");
  expect(later.text.match(/^id: .*$/gm)).toEqual(["id: 2", "id: 3"]);
  expect(later.text).not.toContain("event: task\n");
  expect(byQuery.text.match(/^id: .*$/gm)).toEqual(["id: 3"]);
  expect([over.status, over.text]).toEqual([204, ""]);
});

test("all tasks of a queue or of a type are told, none of the others", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  using day = listen(`${gateway.url}/api/events?queue=day`);
  using two = listen(`${gateway.url}/api/events?type=two`);
  using all = listen(`${gateway.url}/api/events`);
  await waitFor(() => [day, two, all].every(({ heard }) => heard.length === 1));

  for (const [task_type, queue] of [
    ["one", "day"],
    ["one", "night"],
    ["two", "day"],
    ["two", "night"],
  ]) {
    await enqueue(client, { task_type, queue });
  }

  await waitFor(() => all.heard.length === 5 && day.heard.length === 3 && two.heard.length === 3);
  expect(day.heard.map(({ event, id }) => `${event} ${id}`)).toEqual([
    "begin 0",
    "transition 1",
    "transition 3",
  ]);
  expect(two.heard.slice(1).map(({ id }) => id)).toEqual(["3", "4"]);
});

test.for([
  ["x", 400, "invalid_request"],
  ["-1", 400, "invalid_request"],
  ["12345", 400, "invalid_request"],
] as const)("a Last-Event-ID that is none is refused: %s", async ([id, status, error], { url }) => {
  await using gateway = await startGateway(url);

  const answer = await gateway.send("GET", "/api/events", { headers: { "last-event-id": id } });

  expect(answer).toMatchObject({ status, body: { error } });
  expect(answer.body.message).toContain("Last-Event-ID");
});

test("history that retention has dropped is said to be gone", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  await enqueue(client, { task_type: "one" });
  await enqueue(client, { task_type: "one" });
  await client.query("insert into triaged.dropped_history (until_id) values (2)");

  const answer = await gateway.send("GET", "/api/events?after=1");

  expect(answer).toMatchObject({ status: 410, body: { error: "history_dropped" } });
});

test("an unknown task has no stream, nor has an id that is none", async ({ url }) => {
  await using gateway = await startGateway(url);

  const unknown = await gateway.send("GET", "/api/tasks/42/events");
  const none = await gateway.send("GET", "/api/tasks/x/events");
  const other = await gateway.send("GET", "/api/events?kind=x");

  expect([unknown.status, none.status, other.status]).toEqual([404, 400, 400]);
  await waitFor(() => gateway.events.size === 0);
});

test("streams need a key with the right to read, and each key has so many", async ({ url }) => {
  const keys = keysOf(["read", "admin"]);
  await using gateway = await startGateway(url, { keys, limits: { streamsPerKey: 2, streams: 3 } });
  const ask = async (key: string) => {
    const over = new AbortController();
    const answer = await fetch(`${gateway.url}/api/events`, {
      headers: { "x-api-key": key },
      signal: over.signal,
    });
    return { status: answer.status, headers: answer.headers, close: () => over.abort() };
  };

  const strange = await ask("nobody");
  const [first, second] = [await ask("key-of-read"), await ask("key-of-read")];
  const third = await ask("key-of-read");
  const other = await ask("key-of-admin");
  const beyond = await ask("key-of-admin");

  expect(strange.status).toBe(401);
  expect([first.status, second.status, other.status]).toEqual([200, 200, 200]);
  expect([third.status, third.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(beyond.status).toBe(503);
  first.close();
  await waitFor(async () => {
    const again = await ask("key-of-read");
    again.close();
    return again.status === 200;
  });
  second.close();
  other.close();
});

test("a stream that is open counts for no request", async ({ url }) => {
  await using gateway = await startGateway(url, { limits: { requestsInFlight: 1 } });
  using one = listen(`${gateway.url}/api/events`);
  using two = listen(`${gateway.url}/api/events`);
  await waitFor(() => one.heard.length + two.heard.length === 2);

  const { status } = await gateway.send("GET", "/api/queues");

  expect(status).toBe(200);
});

test("a stream at rest is kept alive by comments", async ({ url, client }) => {
  await using gateway = await startGateway(url, { limits: { keepAliveMs: 50 } });
  const taskId = await enqueue(client, { task_type: "one" });
  const answer = await fetch(`${gateway.url}/api/tasks/${taskId}/events`);
  let text = "";

  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes(": keep-alive\n\n: keep-alive\n\n")) break;
  }

  expect(text).toMatch(/: keep-alive\n\n$/);
});

test("a client that takes nothing is cut, and told to connect again; others go on", async ({
  url,
  client,
}) => {
  const limits = { waitingBytesMax: 1_000, drainMs: 200 };
  await using gateway = await startGateway(url, { limits });
  using other = listen(`${gateway.url}/api/events?type=two`);
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write("GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await waitFor(() => gateway.events.size === 2);
  // What the kernel takes in its place is some megabytes.
  socket.pause();
  const error = "x".repeat(100_000);
  for (let round = 0; round < 150 && gateway.events.size === 2; round += 1) {
    await enqueue(client, { task_type: "one" });
    const worker = await startWorker(client, { task_types: ["one"] });
    const tasks = await claimTasks(client, worker);
    await settle(
      client,
      tasks.map((task) => outcomeOf(task, "fail", { error, permanent: true })),
    );
  }

  await waitFor(() => gateway.events.size === 1);
  socket.destroy();
  await enqueue(client, { task_type: "two" });
  await waitFor(() => other.heard.some(({ event }) => event === "transition"));
});

test("a gateway that ends tells its streams, and ends at once", async ({ url, client }) => {
  await using serve = await startServe({ DATABASE_URL: url });
  const taskId = await enqueue(client, { task_type: "one" });
  using one = listen(`${serve.address}/api/tasks/${taskId}/events`);
  using all = listen(`${serve.address}/api/events`);
  await waitFor(() => one.heard.length === 1 && all.heard.length === 1);

  serve.signal("SIGTERM");

  expect(await serve.ended).toMatchObject({ code: 0 });
  for (const { heard } of [one, all]) {
    expect(heard.at(-1)).toMatchObject({ event: "reconnect", data: { reason: "closing" } });
  }
});

test("a client that loses its gateway goes on with the next one, and misses nothing", async ({
  url,
  client,
}) => {
  const gateway = await startGateway(url);
  const port = new URL(gateway.url).port;
  using all = listen(`${gateway.url}/api/events`);
  await waitFor(() => all.heard.length === 1);
  await enqueue(client, { task_type: "one" });
  await waitFor(() => all.heard.length === 2);
  await gateway[Symbol.asyncDispose]();
  await enqueue(client, { task_type: "one" });

  await using next = await startGateway(url, { port: Number(port) });
  await waitFor(() => all.heard.some(({ id }) => id === "2"));
  await enqueue(client, { task_type: "one" });

  await waitFor(() => all.heard.at(-1)?.id === "3");
  const told = all.heard.filter(({ event }) => event === "transition").map(({ id }) => id);
  expect(told).toEqual(["1", "2", "3"]);
  expect(next.url).toBe(gateway.url);
});

test("a database that goes away is told of, and the stream goes on", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  using all = listen(`${gateway.url}/api/events`);
  await waitFor(() => all.heard.length === 1);
  const accept = (isOpen: boolean) =>
    client.query("update pg_database set datallowconn = $1 where datname = current_database()", [
      isOpen,
    ]);
  await accept(false);
  await query(
    client,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await enqueue(client, { task_type: "one" });
  await waitFor(() => all.heard.length === 2);
  await accept(true);

  await waitFor(() => all.heard.some(({ event }) => event === "transition"));
  expect(kinds(all.heard)).toEqual(["begin", "database", "database", "enqueue"]);
  expect(all.heard.slice(1, 3).map(({ data }) => data)).toEqual([
    { state: "away" },
    { state: "back" },
  ]);
});

// Goal: doors of older systems answer bad input with a sentence, as all doors do, and a crowd of
// clients, or a gateway that is killed, loses nothing that was acknowledged.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, expect, test as plain } from "vitest";
import { createDatabase, test, waitFor } from "../support/connections.ts";
import { withClient } from "../support/databases.ts";
import { startGateway, startServe } from "../support/gateway.ts";
import { query } from "../support/tasks.ts";

const { url: databaseUrl, drop } = await createDatabase();
const gateway = await startGateway(databaseUrl, { limits: { headersMs: 2_000, lookMs: 50 } });
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await drop();
});

const JSON_TYPE = { "content-type": "application/json" };
const deep = `${"[".repeat(500_000)}${"]".repeat(500_000)}`;
const SQL = "x'); drop table triaged.live_tasks cascade; --";

/** Each door that takes a body, what fits it otherwise, and where its strings are. */
const DOORS = [
  ["/a2a/execute", { skill_name: "get_dependencies", input_data: { repo: "a/b" } }],
  [
    "/api/webhook/change-notification",
    { source_repo: "a/b", commit_sha: "c", commit_message: "m", branch: "main" },
  ],
  [
    "/api/test/consumer-triage",
    { source_repo: "a/b", consumer_repo: "a/c", test_changes: { commit_sha: "c" } },
  ],
  [
    "/rpc",
    {
      jsonrpc: "2.0",
      id: 1,
      method: "message/send",
      params: { message: { messageId: "m", parts: [{ text: "t" }] } },
    },
  ],
  ["/api/agent/tasks", { direction: "d", task_type: "t", context: {} }],
] as const;

/** The same body with another value in place of each of its texts. */
function withTexts(value: unknown, text: unknown, kept: readonly string[]): unknown {
  if (typeof value === "string") return kept.includes(value) ? value : text;
  if (Array.isArray(value)) return value.map((one) => withTexts(one, text, kept));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withTexts(inner, text, kept)]),
  );
}

const KEPT = ["2.0", "message/send", "get_dependencies", "t"];

plain.for(DOORS)("%s answers each kind of bad body, and none with a bug", async ([door, good]) => {
  const body = JSON.stringify(good);
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"text"',
    deep,
    body.replace("{", '{"__proto__":{"admin":true},'),
    body.replace("{", `{"more":${deep},`),
    body.replace("{", '{"n":1e999,'),
    body.replace("{", '{"n":12345678901234567890123,'),
    JSON.stringify(withTexts(good, "a\0b", KEPT)),
    JSON.stringify(withTexts(good, 7, KEPT)),
    JSON.stringify(withTexts(good, { a: 1 }, KEPT)),
    JSON.stringify(withTexts(good, "x".repeat(300_000), KEPT)),
    JSON.stringify(withTexts(good, "../../etc/passwd\r\nX-Role: admin", KEPT)),
    JSON.stringify(withTexts(good, SQL, KEPT)),
    body.replace("}", `,"pad":"${"x".repeat(3_000_000)}"}`),
  ];

  for (const one of bodies) {
    const answer = await gateway.send("POST", door, { body: one, headers: JSON_TYPE });
    const told = JSON.stringify(answer.body).slice(0, 400);
    expect([answer.status, one.slice(0, 60), told]).toEqual([
      expect.toSatisfy((status: number) => status < 500),
      expect.any(String),
      expect.not.stringContaining("internal"),
    ]);
  }
});

plain("SQL, NUL and paths in the address of the new doors are text", async () => {
  for (const word of [SQL, "a\0b", "../..", "%", "x".repeat(300), "__proto__", "constructor"]) {
    const as = encodeURIComponent(word);
    for (const way of [
      `/api/relationships/${as}/${as}`,
      `/a2a/skills?category=${as}`,
      `/api/relationships/constructor/${as}`,
    ]) {
      const { status } = await gateway.send("GET", way);
      expect([400, 404]).toContain(status);
    }
    const { body } = await gateway.send("POST", "/a2a/execute", {
      json: { skill_name: word, input_data: {} },
    });
    expect(body.error).toMatch(/^(?:unknown_skill|invalid_request)$/);
  }
});

plain("nothing of all that broke the queue", async () => {
  const there = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query("select count(*)::integer as count from triaged.tasks");
    return rows[0].count;
  });

  expect(there).toBeGreaterThanOrEqual(0);
  expect((await gateway.send("POST", "/api/tasks", { json: { task_type: "noop" } })).status).toBe(
    201,
  );
});

plain("thousands of silent connections do not keep a request from its answer", async () => {
  const { port } = new URL(gateway.url);
  const sockets: Socket[] = [];
  for (let n = 0; n < 2_000; n += 1) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.resume().on("error", () => undefined);
    sockets.push(socket);
    if (n % 200 === 199) await once(socket, "connect");
  }

  const answer = await gateway.send("GET", "/api/workers");
  // Half-open: they said that they would send something, and do not.
  await waitFor(() => sockets.every((socket) => socket.closed), { deadlineMs: 20_000 });

  expect(answer.status).toBe(200);
  expect((await gateway.send("GET", "/api/workers")).status).toBe(200);
});

test("killed under load, a gateway loses nothing that it acknowledged, and retries double nothing", async ({
  url,
  client,
}) => {
  await using first = await startServe({ DATABASE_URL: url });
  await using second = await startServe({ DATABASE_URL: url });
  const acknowledged = new Map<string, string>();
  const enqueueAt = async (address: string, key: string) => {
    const answer = await fetch(`${address}/api/tasks`, {
      method: "POST",
      headers: { ...JSON_TYPE, "idempotency-key": key },
      body: '{"task_type":"noop"}',
    });
    if (answer.status > 201) throw new Error(`expected a task, got ${answer.status}`);
    acknowledged.set(key, (await answer.json()).task_id);
  };
  const over = new AbortController();
  const produce = async (name: number) => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const key = `${name}/${n}`;
      // Who gets no answer asks again, elsewhere.
      await enqueueAt(first.address, key).catch(() => enqueueAt(second.address, key));
    }
  };
  const producers = Array.from({ length: 20 }, (_, name) => produce(name));
  await waitFor(() => acknowledged.size > 200);

  first.signal("SIGKILL");
  await first.ended;
  const atKill = acknowledged.size;
  await waitFor(() => acknowledged.size > atKill + 100);
  over.abort();
  await Promise.all(producers);

  const rows = await query<{ task_id: string }>(client, "select task_id from triaged.tasks");
  expect(new Set(rows.map(({ task_id }) => task_id))).toEqual(new Set(acknowledged.values()));
  expect(rows).toHaveLength(acknowledged.size);
});

// Goal: what is too much is refused in a sentence and for a while, and what was accepted is kept.

import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "vitest";
import { test, waitFor } from "../support/connections.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { keysOf, startGateway, startServe } from "../support/gateway.ts";
import { query } from "../support/tasks.ts";

test("a key that sends too much waits, and no other one does", async ({ database }) => {
  await using gateway = await startGateway(database.url, {
    keys: keysOf(["read", "admin"], 3),
  });
  const ask = (key: string) => gateway.send("GET", "/api/workers", { key });
  const statuses: number[] = [];
  for (let n = 0; n < 4; n += 1) statuses.push((await ask("key-of-read")).status);

  const refused = await ask("key-of-read");

  expect(statuses).toEqual([200, 200, 200, 429]);
  expect(refused).toMatchObject({ status: 429, body: { error: "too_many_requests" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await ask("key-of-admin")).status).toBe(200);
  expect((await gateway.send("GET", "/health")).status).toBe(200);
});

test("beyond so many requests at a time it sheds, and is well again after them", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url, { limits: { requestsInFlight: 2 } });
  const holder = await gateway.pool.connect();
  await holder.query("begin; lock table triaged.workers in access exclusive mode");
  const held = [1, 2].map(() => gateway.send("GET", "/api/workers"));
  await waitFor(async () => {
    const { rows } = await gateway.pool.query(
      "select count(*)::integer as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    return rows[0].count === 2;
  });

  const shed = await gateway.send("GET", "/api/workers");
  const health = await gateway.send("GET", "/health");
  await holder.query("rollback");
  holder.release();

  expect(shed).toMatchObject({ status: 503, body: { error: "overloaded" } });
  expect(shed.headers.get("retry-after")).toBe("1");
  expect(health.status).toBe(200);
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await gateway.send("GET", "/api/workers")).status).toBe(200);
});

test("beyond so many connections it says so, and takes new ones once others are closed", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url, {
    limits: { connections: 2, connectionsRefused: 1, headersMs: 60_000 },
  });
  const open = async () => {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    await once(socket, "connect");
    return { socket, answered: once(socket, "close").then(() => answer) };
  };
  const [first, second, third, fourth] = [await open(), await open(), await open(), await open()];

  expect(await fourth.answered).toBe("");
  third.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const refusal = await third.answered;
  first.socket.destroy();
  second.socket.destroy();
  await Promise.all([first.answered, second.answered]);

  expect(refusal).toMatch(/^HTTP\/1\.1 503 /);
  expect(refusal).toContain('"error":"too_many_connections"');
  expect(refusal).toMatch(/connection: close/i);
  await waitFor(async () => (await gateway.send("GET", "/health")).status === 200);
});

test("a request that is not answered in time is told so", async ({ database }) => {
  await using gateway = await startGateway(database.url, { limits: { answerMs: 200 } });
  const holder = await gateway.pool.connect();
  await holder.query("begin; lock table triaged.workers in access exclusive mode");

  const answer = await gateway.send("GET", "/api/workers");
  await holder.query("rollback");
  holder.release();

  expect(answer).toMatchObject({ status: 503, body: { error: "took_too_long" } });
});

test("asking again after the database's answer was lost enqueues nothing again", async ({
  url,
  client,
}) => {
  await using proxy = await startCuttingProxy(url, "COMMIT");
  await using gateway = await startGateway(proxy.url);
  const ask = () =>
    gateway.send("POST", "/api/tasks", {
      json: { task_type: "noop" },
      headers: { "idempotency-key": "k" },
    });

  const lost = await ask();
  const again = await ask();

  expect(proxy.cuts()).toBe(1);
  expect(lost).toMatchObject({ status: 503, body: { error: "database_unavailable" } });
  expect(lost.headers.get("retry-after")).toBe("1");
  expect(again).toMatchObject({ status: 200, body: { outcome: "duplicate" } });
  expect(await query(client, "select count(*)::integer as count from triaged.tasks")).toEqual([
    { count: 1 },
  ]);
});

test("told to stop under load, it loses nothing that it acknowledged", async ({ url, client }) => {
  await using serve = await startServe({ DATABASE_URL: url });
  const acknowledged: string[] = [];
  const produce = async () => {
    for (;;) {
      const answer = await fetch(`${serve.address}/api/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"task_type":"noop"}',
      });
      if (answer.status !== 201) return;
      acknowledged.push((await answer.json()).task_id);
    }
  };
  const producers = Array.from({ length: 20 }, () => produce().catch(() => undefined));
  await waitFor(() => acknowledged.length > 200);

  serve.signal("SIGTERM");

  const { code } = await serve.ended;
  await Promise.all(producers);
  expect(code).toBe(0);
  const rows = await query<{ task_id: string }>(client, "select task_id from triaged.tasks");
  const there = new Set(rows.map(({ task_id }) => task_id));
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
  // Each request that reached the queue was answered as well.
  expect(there.size).toBe(acknowledged.length);
});

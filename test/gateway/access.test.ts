// Goal: who may enter: keys and roles at the door, and roles of the database behind it.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pino } from "pino";
import { expect } from "vitest";
import { QueueDoor } from "../../src/gateway/queue-door.ts";
import { test as base } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { keysOf, startGateway, startServe, type TestGateway } from "../support/gateway.ts";
import { runCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

const test = base.extend<{ folder: string }>({ folder: lendFolder });

const KEYS = keysOf(["read", "enqueue", "operate", "admin"]);
const CALLER = { name: "ci", role: "enqueue", requestsPerMinute: null } as const;

test("a request without a key, or with a wrong one, is told to bring one", async ({ database }) => {
  await using gateway = await startGateway(database.url, { keys: KEYS });

  for (const headers of [
    {},
    { "x-api-key": "" },
    { "x-api-key": "key-of-nobody" },
    { "x-api-key": "key-of-read, key-of-read" },
    { authorization: "Bearer key-of-rea" },
    { authorization: "Basic key-of-read" },
  ]) {
    const answer = await gateway.send("GET", "/openapi.json", { headers });

    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("ApiKey");
    expect(answer.body).toMatchObject({
      error: expect.stringMatching(/^(?:unknown_key|key_missing)$/),
    });
  }
});

test("a key is taken as X-API-Key, and as a bearer token", async ({ database }) => {
  await using gateway = await startGateway(database.url, { keys: KEYS });

  for (const headers of [
    { "x-api-key": "key-of-read" },
    { authorization: "Bearer key-of-read" },
    { authorization: "bearer key-of-read" },
    { authorization: "ApiKey key-of-read" },
  ]) {
    expect((await gateway.send("GET", "/openapi.json", { headers })).status).toBe(200);
  }
});

test("health needs no key, and all else does, doors that are not there too", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url, { keys: KEYS });
  const statusOf = async (way: string, key?: string) =>
    (await gateway.send("GET", way, key === undefined ? {} : { key })).status;

  expect(await statusOf("/health")).toBe(200);
  expect(await statusOf("/ready")).toBe(200);
  expect(await statusOf("/nowhere")).toBe(401);
  expect(await statusOf("/nowhere", "key-of-read")).toBe(404);
});

test("without keys, no page of a browser may ask but one of this gateway", async ({ database }) => {
  await using gateway = await startGateway(database.url);
  const { host, port } = new URL(gateway.url);
  const errorOf = async (headers: Record<string, string>) => {
    const { statusCode, body } = await gateway.app.inject({
      url: "/openapi.json",
      headers: { host, ...headers },
    });
    return statusCode === 200 ? null : JSON.parse(body).error;
  };

  expect(await errorOf({})).toBeNull();
  expect(await errorOf({ host: `localhost:${port}` })).toBeNull();
  expect(await errorOf({ host: `[::1]:${port}` })).toBeNull();
  expect(await errorOf({ origin: gateway.url })).toBeNull();
  // A name of the page's own that leads to the loopback.
  expect(await errorOf({ host: `rebound.example:${port}` })).toBe("strange_host");
  expect(await errorOf({ origin: "https://page.example" })).toBe("strange_origin");
  expect(await errorOf({ origin: "null" })).toBe("strange_origin");
});

const askFrom = async (gateway: TestGateway, origin: string, method = "GET") => {
  const answer = await gateway.app.inject({
    method,
    url: "/api/workers",
    headers: {
      host: new URL(gateway.url).host,
      origin,
      "x-api-key": "key-of-read",
      "access-control-request-method": "GET",
    },
  });
  return [answer.statusCode, answer.headers["access-control-allow-origin"]];
};

test("pages of other origins read answers only where their origin is named", async ({
  database,
}) => {
  const origins = ["https://board.example.org"];
  await using closed = await startGateway(database.url, { keys: KEYS });
  await using open = await startGateway(database.url, { keys: KEYS, origins });
  await using withoutKeys = await startGateway(database.url, { origins });
  expect(await askFrom(closed, "https://board.example.org")).toEqual([200, undefined]);
  expect(await askFrom(open, "https://board.example.org")).toEqual([200, origins[0]]);
  expect(await askFrom(open, "https://board.example.org", "OPTIONS")).toEqual([204, origins[0]]);
  expect(await askFrom(open, "https://page.example")).toEqual([200, undefined]);
  expect(await askFrom(withoutKeys, "https://board.example.org")).toEqual([200, origins[0]]);
  expect(await askFrom(withoutKeys, "https://page.example")).toEqual([403, undefined]);
});

test("the database refuses a write of a read, and what its role must not do", async ({
  database,
}) => {
  const pool = poolOf(database.url, { max: 1 });
  const door = new QueueDoor({
    pool,
    schema: "triaged",
    maxPayloadBytes: 1_048_576,
    logger: pino({ level: "silent" }),
  });
  const user = "select current_user::text as role, session_user::text as login";

  const [reader] = await door.read((db) => db.query<{ role: string }>({ text: user }));
  const [writer] = await door.write(CALLER, (db) => db.query<{ role: string }>({ text: user }));

  expect([reader?.role, writer?.role]).toEqual(["triaged_readonly", "triaged_api"]);
  const enqueueIt = "select * from triaged.enqueue_task('noop')";
  await expect(door.read((db) => db.query({ text: enqueueIt }))).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:42501|25006)$/),
  });
  for (const text of [
    "delete from triaged.live_tasks",
    "drop table triaged.live_tasks cascade",
    "select * from triaged.push_configs",
    "select triaged.save_setting('task_retention_days', '0', false)",
  ]) {
    await expect(door.write(CALLER, (db) => db.query({ text }))).rejects.toMatchObject({
      code: "42501",
    });
  }
  // The connection that all of these had is the login's again.
  const { rows } = await pool.query(
    "select current_user = session_user as same, current_setting('triaged.actor', true) as actor",
  );
  expect(rows).toEqual([{ same: true, actor: "" }]);
  await pool.end();
});

test("history names the key", async ({ url, client }) => {
  const pool = poolOf(url);
  const door = new QueueDoor({
    pool,
    schema: "triaged",
    maxPayloadBytes: 1_048_576,
    logger: pino({ level: "silent" }),
  });

  await door.write(CALLER, (db) => db.query({ text: "select triaged.enqueue_plain_task('noop')" }));

  expect(await query(client, "select actor from triaged.task_history")).toEqual([{ actor: "ci" }]);
  await pool.end();
});

test("key makes a row that the gateway takes, and shows the key once", async ({ folder, url }) => {
  const file = path.join(folder, "keys.json");
  const made = await runCli(["key", "ci", "--role", "read", "--json"]);
  const { key, row } = JSON.parse(made.stdout);
  await writeFile(file, JSON.stringify([row]));
  const env = { DATABASE_URL: url, REQUIRE_AUTH: "true", API_KEYS_FILE: file };

  await using serve = await startServe(env);
  const without = await fetch(`${serve.address}/openapi.json`);
  const withKey = await fetch(`${serve.address}/openapi.json`, { headers: { "x-api-key": key } });

  expect(row).toEqual({
    name: "ci",
    role: "read",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(key).toMatch(/^trk_[\w-]{43}$/);
  expect([without.status, withKey.status]).toEqual([401, 200]);
  expect(serve.output.stderr).not.toContain(key);
});

// Goal: a URL with several hosts leads to the first server that fits, and says why when none
// does.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { pino } from "pino";
import { expect, inject, onTestFinished } from "vitest";
import { DatabaseClient } from "../../src/database/connection.ts";
import { clientConfig, openPool } from "../../src/database/pool.ts";
import { isTransient } from "../../src/database/sqlstate.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { test as base } from "../support/connections.ts";
import { dropDatabase, makeDatabase, urlOf } from "../support/databases.ts";

const POOL = { max: 1, acquireTimeoutMs: 10_000, recycleMs: 3_600_000 };
const PORT = "select inet_server_port() as port";

/** A test with a database whose sessions are read-only, as on a server that gives up its role. */
const test = base.extend<{ readOnlyUrl: string }>({
  readOnlyUrl: async ({}, use) => {
    const serverUrl = inject("serverUrl");
    const name = await makeDatabase(serverUrl, "read_only");
    const client = new DatabaseClient({ connectionString: serverUrl });
    await client.connect();
    await client.query(`alter database ${name} set default_transaction_read_only = on`);
    await client.end();
    await use(urlOf(serverUrl, name));
    await dropDatabase(serverUrl, name);
  },
});

/** A server that lets clients in and tells them nothing. */
async function startSilent(): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The URL with another host before its own one. */
function behind(first: string, url: string, parameters = ""): string {
  const { host } = new URL(url);
  return url.replace(host, `${first},${host}`) + parameters;
}

async function connect(url: string, connectionTimeoutMillis = 5_000): Promise<DatabaseClient> {
  const config = { ...clientConfig(parseDatabaseUrl(url), "test"), connectionTimeoutMillis };
  const client = new DatabaseClient(config);
  client.on("error", () => undefined);
  onTestFinished(() => client.end());
  await client.connect();
  return client;
}

test("a host where nobody listens is passed over", async ({ database }) => {
  const client = await connect(behind("127.0.0.1:1", database.url));

  expect((await client.query(PORT)).rows).toHaveLength(1);
});

test("a host that does not answer uses up its share of the time only", async ({ database }) => {
  const silent = await startSilent();

  const client = await connect(behind(`127.0.0.1:${portOf(silent)}`, database.url), 1_000);

  expect((await client.query(PORT)).rows).toHaveLength(1);
});

test("a pool looks for the server at each new connection", async ({ database }) => {
  const silent = await startSilent();
  const first = `127.0.0.1:${portOf(silent)}`;
  silent.close();
  const logger = pino({ enabled: false });
  const url = parseDatabaseUrl(behind(first, database.url));
  const pool = openPool(url, { role: "test", pool: POOL, logger });
  onTestFinished(() => pool.end());

  const before = await pool.query(PORT);
  await pool.query("select pg_terminate_backend(pg_backend_pid())").catch(() => undefined);
  const after = await pool.query(PORT);

  expect(after.rows).toEqual(before.rows);
});

test("a server that takes no writes is passed over, and named", async ({ readOnlyUrl }) => {
  const { host } = new URL(readOnlyUrl);

  const refused = await connect(behind("127.0.0.1:1", readOnlyUrl)).catch((err: unknown) => err);

  expect(refused).toMatchObject({
    message:
      "no server can be used: 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; " +
      `${host}: the server is read-only`,
  });
  expect(isTransient(refused)).toBe(true);
});

test("one host is looked at as well, if it must take writes", async ({ readOnlyUrl }) => {
  const asked = connect(`${readOnlyUrl}?target_session_attrs=read-write`);

  await expect(asked).rejects.toThrow("the server is read-only");
});

test.for(["any", "primary"] as const)(
  "target_session_attrs=%s takes a primary that is read-only",
  async (wants, { readOnlyUrl }) => {
    const parameter = `?target_session_attrs=${wants}`;

    const client = await connect(behind("127.0.0.1:1", readOnlyUrl, parameter));

    expect((await client.query(PORT)).rows).toHaveLength(1);
  },
);

test("an error that another host would not mend is told at once", async ({ database }) => {
  const { host } = new URL(database.url);
  const nowhere = urlOf(database.url, "triaged_nowhere");

  const asked = connect(behind(host, nowhere));

  await expect(asked).rejects.toMatchObject({ code: "3D000" });
});

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseDatabaseUrl } from "../../src/database-url.ts";
import { Client } from "../../src/postgres/client.ts";
import { clientConfig } from "../../src/postgres/pool.ts";

const KEY = fileURLToPath(new URL("../fixtures/tls/server.key", import.meta.url));

test("a thread gets all of the settings, also after a client was made of them", () => {
  const url = `postgres://u@a,b/d?sslmode=verify-ca&sslkey=${KEY}`;
  const config = clientConfig(parseDatabaseUrl(url), "test");

  const client = new Client(config);
  const received = structuredClone(config);

  expect(client.ssl).toHaveProperty("checkServerIdentity");
  expect(received).toEqual(config);
  expect(received).toMatchObject({
    ssl: { rejectUnauthorized: true, key: expect.stringContaining("PRIVATE KEY") },
    checkHostName: false,
    servers: { wants: "read-write" },
  });
});

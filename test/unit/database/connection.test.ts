import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DatabaseClient } from "../../../src/database/connection.ts";
import { clientConfig } from "../../../src/database/pool.ts";
import { parseDatabaseUrl } from "../../../src/settings/database-url.ts";

const KEY = fileURLToPath(new URL("../../fixtures/tls/server.key", import.meta.url));

test("a thread gets all of the settings, also after a client was made of them", () => {
  const url = `postgres://u@a,b/d?sslmode=verify-ca&sslkey=${KEY}`;
  const config = clientConfig(parseDatabaseUrl(url), "test");

  const client = new DatabaseClient(config);
  const received = structuredClone(config);

  expect(client.ssl).toHaveProperty("checkServerIdentity");
  expect(received).toEqual(config);
  expect(received).toMatchObject({
    ssl: { rejectUnauthorized: true, key: expect.stringContaining("PRIVATE KEY") },
    checkHostName: false,
    servers: { wants: "read-write" },
  });
});

import { Client } from "pg";
import { test as base, inject } from "vitest";
import { dropDatabase, makeDatabase, urlOf } from "./databases.ts";

/** A test with `url`, a database of its own that nobody has migrated, and two connections to it. */
export const test = base.extend<{ url: string; db: Client; other: Client }>({
  url: async ({}, use) => {
    const serverUrl = inject("serverUrl");
    const name = await makeDatabase(serverUrl, "empty");
    await use(urlOf(serverUrl, name));
    await dropDatabase(serverUrl, name);
  },
  db: async ({ url }, use) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    await use(client);
    await client.end();
  },
  other: async ({ url }, use) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    await use(client);
    await client.end();
  },
});

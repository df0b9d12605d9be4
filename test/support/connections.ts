/** Tests with connections to databases, and waiting for what other connections do there. */
import { Client } from "pg";
import { test as base, inject, vi } from "vitest";
import { dropDatabase, makeDatabase, urlOf } from "./databases.ts";

type Fixtures = {
  db: Client;
  database: { readonly url: string };
  /** Where `db` works: nothing is ever committed there. */
  untouched: { readonly url: string };
  url: string;
  client: Client;
  connect: () => Promise<Client>;
};

async function lendDatabase({}, use: (database: { url: string }) => Promise<void>): Promise<void> {
  const { url, drop } = await createDatabase();
  await use({ url });
  await drop();
}

/**
 * A test with `db`, a transaction of its own that is rolled back: no clean-up, no order.
 * Or with `database`, one that the tests of the file share, for those that need commits. Both
 * belong to the file: two files that registered the same task types, or took the same keys, would
 * wait for each other's end of transaction.
 *
 * Or with `url`, a database of this test's own, for processes to work on; `client` is connected to
 * it, `connect` opens more connections, and all are closed at the test's end.
 */
export const test = base.extend<Fixtures>({
  db: async ({ untouched }, use) => {
    const client = new Client({ connectionString: untouched.url });
    await client.connect();
    await client.query("begin");
    await use(client);
    await client.query("rollback");
    await client.end();
  },
  database: [lendDatabase, { scope: "file" }],
  untouched: [lendDatabase, { scope: "file" }],
  url: async ({}, use) => {
    const { url, drop } = await createDatabase();
    await use(url);
    await drop();
  },
  client: async ({ url }, use) => {
    const client = await connected(url);
    await use(client);
    await client.end();
  },
  connect: async ({ url }, use) => {
    const clients: Client[] = [];
    await use(async () => {
      const client = await connected(url);
      clients.push(client);
      return client;
    });
    await Promise.all(clients.map((client) => client.end()));
  },
});

/**
 * The same, a few of a file at a time: for tests that mostly wait for their processes. Vitest's
 * own `expect.poll` and `expect.soft` do not know to which of them they belong, and throw.
 */
export const concurrentTest = test.concurrent;

/** A test with `url`, a database of its own that nobody has migrated, and two connections to it. */
export const emptyDatabaseTest = base.extend<{ url: string; db: Client; other: Client }>({
  url: async ({}, use) => {
    const serverUrl = inject("serverUrl");
    const name = await makeDatabase(serverUrl, "empty");
    await use(urlOf(serverUrl, name));
    await dropDatabase(serverUrl, name);
  },
  db: async ({ url }, use) => {
    const client = await connected(url);
    await use(client);
    await client.end();
  },
  other: async ({ url }, use) => {
    const client = await connected(url);
    await use(client);
    await client.end();
  },
});

/** A migrated database without tasks. */
export async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "clone", inject("templateName"));
  return { url: urlOf(serverUrl, name), drop: () => dropDatabase(serverUrl, name) };
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // A test may have the server end the connection.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** A test that finds nothing where it looks is wrong, so throw. */
export function found<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) {
    throw new Error("expected a row, got none");
  }
  return value;
}

/**
 * Wait until the condition gives a truthy value, and resolve to that. Looks every 20 ms,
 * throws when `deadlineMs` is over. @default 10 seconds
 */
export function waitFor<T>(
  condition: () => Promise<T> | T,
  { deadlineMs = 10_000 }: { deadlineMs?: number } = {},
): ReturnType<typeof vi.waitUntil<T>> {
  return vi.waitUntil(condition, { timeout: deadlineMs, interval: 20 });
}

/** Wait until the connection waits for a lock that another one holds. */
export async function waitUntilBlocked(observer: Client, client: Client): Promise<void> {
  await waitFor(async () => {
    const { rows } = await observer.query<{ blocked: boolean }>(
      `select exists (
         select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'
       ) as blocked`,
      [pidOf(client)],
    );
    return found(rows[0]).blocked;
  });
}

/** The process that serves the connection. */
export function pidOf(client: Client): number {
  if ("processID" in client && typeof client.processID === "number") {
    return client.processID;
  }
  throw new Error("expected a connected client");
}

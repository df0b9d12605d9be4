import { Client } from "pg";
import { test as base, inject, vi } from "vitest";
import { dropDatabase, makeDatabase, urlOf } from "./databases.ts";

type Fixtures = {
  db: Client;
  database: { readonly url: string };
  /** Where `db` works: nothing is ever committed there. */
  untouched: { readonly url: string };
};

async function lendDatabase({}, use: (database: { url: string }) => Promise<void>): Promise<void> {
  const { url, drop } = await createDatabase();
  await use({ url });
  await drop();
}

/**
 * A test with `db`, a transaction of its own that is rolled back: no clean-up, no order.
 * Or with `database`, one that the tests of the file share, for those that need commits:
 * several connections, processes. Both belong to the file: two files that registered the
 * same task types, or took the same keys, would wait for each other's end of transaction.
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
});

/** A migrated database without tasks. */
export async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "clone", inject("templateName"));
  return { url: urlOf(serverUrl, name), drop: () => dropDatabase(serverUrl, name) };
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

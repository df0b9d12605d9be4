import { Client } from "pg";
import { test as base, createDatabase, waitFor } from "./db.ts";
import { queryOne } from "./tasks.ts";

/**
 * A test of several connections: `connect` opens one to a database that is this test's own,
 * and whatever was opened is closed at its end.
 */
export const test = base.extend<{ url: string; connect: () => Promise<Client> }>({
  url: async ({}, use) => {
    const { url, drop } = await createDatabase();
    await use(url);
    await drop();
  },
  connect: async ({ url }, use) => {
    const clients: Client[] = [];
    await use(async () => {
      const client = new Client({ connectionString: url });
      // A test may have the server end the connection.
      client.on("error", () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    });
    await Promise.all(clients.map((client) => client.end()));
  },
});

/** Wait until the connection waits for a lock that another one holds. */
export async function waitUntilBlocked(observer: Client, client: Client): Promise<void> {
  await waitFor(async () => {
    const { blocked } = await queryOne<{ blocked: boolean }>(
      observer,
      `select exists (
         select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'
       ) as blocked`,
      [pidOf(client)],
    );
    return blocked;
  });
}

/** The process that serves the connection. */
export function pidOf(client: Client): number {
  if ("processID" in client && typeof client.processID === "number") {
    return client.processID;
  }
  throw new Error("expected a connected client");
}

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

/** The server's process of a connection. */
export async function backendOf(client: Client): Promise<number> {
  return (await queryOne<{ pid: number }>(client, "select pg_backend_pid() as pid")).pid;
}

/** Wait until the connection with that process waits for a lock. */
export async function waitUntilBlocked(observer: Client, pid: number): Promise<void> {
  await waitFor(async () => {
    const { blocked } = await queryOne<{ blocked: boolean }>(
      observer,
      `select exists (
         select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'
       ) as blocked`,
      [pid],
    );
    return blocked;
  });
}

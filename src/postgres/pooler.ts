import type { ClientConfig } from "pg";
import { Client } from "./client.ts";

/** A server that is connected and does not answer for so long is not there. */
const ANSWER_MS_MAX = 3_000;

/**
 * Whether a pooler stands between, which may give each transaction another session: then no
 * statement may be prepared, and no lock or LISTEN of a session lasts. A pooler hands out a
 * key of its own for cancelling, so the pid that came with the connection is not that of
 * the server process. Also true of one in session mode, which is only less than it could be.
 *
 * Throws the driver's error when the database cannot be reached.
 */
export async function isPooled(connection: ClientConfig): Promise<boolean> {
  const client = new Client({ ...connection, query_timeout: ANSWER_MS_MAX });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    const announced: unknown = Reflect.get(client, "processID");
    return rows[0]?.pid !== announced;
  } finally {
    await client.end();
  }
}

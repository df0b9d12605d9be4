import type { Pool } from "pg";
import { type Database, inSchema } from "./database.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Run `work` in a transaction with settings of the queue, such as the `actor` that history
 * rows name. They end with the transaction: behind a pooler, the session belongs to others
 * next.
 */
export async function withSettings<Result>(
  pool: Pool,
  schema: string,
  settings: { readonly actor?: string; readonly max_payload_bytes?: number },
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await inTransaction(client, async () => {
      for (const [name, value] of Object.entries(settings)) {
        await client.query("select set_config($1, $2, true)", [`${schema}.${name}`, value]);
      }
      return await work(inSchema(client, schema));
    });
  } finally {
    client.release();
  }
}

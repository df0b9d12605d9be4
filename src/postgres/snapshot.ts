import type { Pool } from "pg";
import { type Database, inSchema } from "./database.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Run `work` on one state of the database: a repeatable-read transaction that may not write.
 * It holds back vacuum for as long as it lasts, so the work needs a limit of its own.
 */
export async function withSnapshot<Result>(
  pool: Pool,
  schema: string,
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await inTransaction(client, async () => {
      await client.query("set transaction isolation level repeatable read, read only");
      return await work(inSchema(client, schema));
    });
  } finally {
    client.release();
  }
}

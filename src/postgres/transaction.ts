import type { ClientBase } from "pg";

/**
 * Run `work` between begin and commit; roll back and throw what it throws. The level is named: that
 * of the database may be another, and behind a pooler no session of ours has its own.
 */
export async function inTransaction<Result>(
  client: ClientBase,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query("begin isolation level read committed, not deferrable");
  try {
    const result = await work();
    await client.query("commit");
    return result;
  } catch (err) {
    // A lost connection has rolled back already; the error that matters is the first.
    await client.query("rollback").catch(() => undefined);
    throw err;
  }
}

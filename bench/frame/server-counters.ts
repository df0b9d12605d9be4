import type { Client } from "pg";
import { waitFor } from "./wait-for.ts";

const SESSIONS_END_MS_MAX = 30_000;

/** Bytes of WAL that the server has written, for whatever database. */
export async function walBytes(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select pg_current_wal_lsn() - '0/0' as bytes",
  );
  return Number(rows[0]?.bytes);
}

/**
 * Transactions committed in the database of the client. Waits until nobody else is connected:
 * a session that lives tells its count up to ten seconds late, one that ends at once.
 */
export async function commitsWhenAlone(client: Client): Promise<number> {
  await waitFor(
    async () => {
      const { rows } = await client.query<{ others: number }>(
        `select count(*)::integer as others from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and backend_type = 'client backend'`,
      );
      return rows[0]?.others === 0;
    },
    { limitMs: SESSIONS_END_MS_MAX },
  );
  const { rows } = await client.query<{ commits: string }>(
    "select xact_commit as commits from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]?.commits);
}

import { Pool, type PoolConfig } from "pg";

/**
 * A pool whose lost connections are no errors: `end` does not wait until they are closed, and
 * the database may be dropped with force before that.
 */
export function poolOf(url: string, options: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: url, ...options });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** Do something with connections to a database, and close them. */
export async function withPool<Result>(
  url: string,
  work: (pool: Pool) => Promise<Result>,
): Promise<Result> {
  const pool = poolOf(url);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

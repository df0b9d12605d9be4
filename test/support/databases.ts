/** Databases on the server of the tests: made, migrated, connected to, dropped. */
import { randomBytes } from "node:crypto";
import { Client, Pool, type PoolConfig } from "pg";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import type { MigrateOptions } from "../../src/database/migrate/steps.ts";

/** The same server, another database. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Make a database named `triaged_<use>_…`, empty or as a copy; resolves to its name. */
export async function makeDatabase(
  serverUrl: string,
  use: string,
  template = "template0",
): Promise<string> {
  const name = `triaged_${use}_${randomBytes(6).toString("hex")}`;
  await withClient(serverUrl, (client) =>
    client.query(`create database ${name} template ${template}`),
  );
  return name;
}

/** Drop a database, whoever is still connected to it. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, (client) =>
    client.query(`drop database if exists ${name} with (force)`),
  );
}

/** What the roles of test databases begin with: hundreds of their own would stay on the server. */
export const ROLE_PREFIX = "triaged";

/**
 * Migrate a test database, with roles that all of them share. It has the name of the command:
 * others that wait for the lock of the migrators know it for a migration, and do not give up after
 * ten seconds.
 */
export async function migrate(
  connection: Parameters<typeof migrateSchema>[0],
  options: MigrateOptions = {},
): ReturnType<typeof migrateSchema> {
  return await migrateSchema(
    { application_name: "triaged migrate", ...connection },
    { rolePrefix: ROLE_PREFIX, ...options },
  );
}

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

/** Do something on one connection to a database, and close it. */
export async function withClient<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

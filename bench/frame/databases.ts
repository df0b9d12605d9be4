import { randomBytes } from "node:crypto";
import { Client } from "pg";

/** The same server, another database. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Lend one connection. */
export async function withClient<Result>(
  url: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url, application_name: "triaged bench" });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Make a database, empty or as a copy of one to which nobody is connected; its URL. */
export async function createDatabase(
  serverUrl: string,
  template = "template0",
  name = `triaged_bench_${randomBytes(6).toString("hex")}`,
): Promise<string> {
  await withClient(serverUrl, (client) =>
    client.query(`create database ${name} template ${template}`),
  );
  return urlOf(serverUrl, name);
}

export async function hasDatabase(serverUrl: string, name: string): Promise<boolean> {
  return await withClient(serverUrl, async (client) => {
    const found = await client.query("select from pg_database where datname = $1", [name]);
    return found.rowCount === 1;
  });
}

/** Drop a database, whoever is still connected to it. */
export async function dropDatabase(serverUrl: string, url: string): Promise<void> {
  await withClient(serverUrl, (client) =>
    client.query(`drop database if exists ${nameOf(url)} with (force)`),
  );
}

export function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

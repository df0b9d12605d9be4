import { randomBytes } from "node:crypto";
import { Client } from "pg";

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
  await run(serverUrl, `create database ${name} template ${template}`);
  return name;
}

/** Drop a database, whoever is still connected to it. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await run(serverUrl, `drop database if exists ${name} with (force)`);
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

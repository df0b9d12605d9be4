/** `triaged migrate --create`: the database itself, where the server has none of that name. */
import { escapeIdentifier } from "pg";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { DatabaseUrl } from "../../settings/database-url.ts";
import { DatabaseClient } from "../connection.ts";
import { clientConfig } from "../pool.ts";
import { codeOf } from "../sqlstate.ts";

/** Where a database can be created from: the one for that, and one that each server has. */
const MAINTENANCE_DATABASES = ["postgres", "template1"] as const;

const NO_SUCH_DATABASE = "3D000";
/** Also where another session creates it at the same time: 23505. */
const IS_THERE = ["42P04", "23505"];
/** No right; another encoding than the locale's, or none of that name. */
const NOT_CREATED = ["42501", "22023", "42704", "55006"];

/**
 * Create the database of `database`, of encoding UTF8, with the user and the server that it
 * names. Resolves to its name, or null where it was there. Throws an EnvironmentError where this
 * user may not.
 */
export async function createDatabase(database: DatabaseUrl): Promise<string | null> {
  if (await isThere(database)) return null;
  const name = nameIn(database);
  for (const place of MAINTENANCE_DATABASES) {
    const client = new DatabaseClient(clientConfig(inDatabase(database, place), "migrate"));
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (err) {
      if (codeOf(err) === NO_SUCH_DATABASE && place !== MAINTENANCE_DATABASES.at(-1)) continue;
      throw notCreated(name, err);
    }
    try {
      // Of any other template the encoding would be the template's.
      await client.query(
        `create database ${escapeIdentifier(name)} encoding 'UTF8' template template0`,
      );
      return name;
    } catch (err) {
      const code = codeOf(err) ?? "";
      if (IS_THERE.includes(code)) return null;
      throw NOT_CREATED.includes(code) ? notCreated(name, err) : err;
    } finally {
      await client.end();
    }
  }
  return null;
}

async function isThere(database: DatabaseUrl): Promise<boolean> {
  const client = new DatabaseClient(clientConfig(database, "migrate"));
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch (err) {
    if (codeOf(err) === NO_SUCH_DATABASE) return false;
    throw err;
  } finally {
    await client.end();
  }
}

function nameIn({ url }: DatabaseUrl): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

function inDatabase(database: DatabaseUrl, name: string): DatabaseUrl {
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  return { ...database, url: url.href };
}

function notCreated(name: string, err: unknown): EnvironmentError {
  const reason = err instanceof Error ? err.message : String(err);
  return new EnvironmentError(`the database ${name} is not there, and was not created: ${reason}`, {
    hint: `let an administrator run: create database ${escapeIdentifier(name)} encoding 'UTF8' template template0 owner …`,
    exitCode: EXIT_CODES.config,
    cause: err,
  });
}

import { randomBytes } from "node:crypto";
import { Client, escapeIdentifier } from "pg";
import { test as base, inject } from "vitest";
import { urlOf } from "./databases.ts";

/** A database of a login that is no superuser, as a hosted one is. */
export type OwnedDatabase = {
  /** As its owner. */
  readonly url: string;
  /** As a superuser. */
  readonly administratorUrl: string;
  readonly name: string;
  readonly owner: string;
};

export type MakeOwned = (options?: {
  /** What the name ends with, in any characters. */
  readonly suffix?: string | undefined;
  /** What comes behind `create role … login`. @default createrole */
  readonly rights?: string;
  /** Of makeLogin. @default a new one */
  readonly owner?: string;
}) => Promise<OwnedDatabase>;

/**
 * A test that makes databases with owners, and logins. Roles outlive databases, and migrations
 * make some: all whose name has the `id` of the test are gone after it.
 */
export const test = base.extend<{
  id: string;
  administrator: Client;
  makeOwned: MakeOwned;
  makeLogin: (use: string, rights?: string) => Promise<string>;
  /** A session that ends with the test, as a login of makeLogin or as the URL has it. */
  connect: (url: string, login?: string) => Promise<Client>;
}>({
  id: async ({}, use) => await use(randomBytes(4).toString("hex")),
  administrator: async ({ id }, use) => {
    const client = new Client({ connectionString: inject("serverUrl") });
    await client.connect();
    await use(client);
    for (const [kind, query] of GONE) {
      const { rows } = await client.query<{ name: string }>(query, [id]);
      for (const { name } of rows) {
        await client.query(
          `drop ${kind} ${escapeIdentifier(name)}${kind === "database" ? " with (force)" : ""}`,
        );
      }
    }
    await client.end();
  },
  makeLogin: async ({ administrator, id }, use) => {
    await use(async (kind, rights = "") => {
      const name = `${kind}_${id}`;
      await administrator.query(`create role ${name} login password 'secret' ${rights}`);
      return name;
    });
  },
  makeOwned: async ({ administrator, makeLogin, id }, use) => {
    let made = 0;
    await use(async ({ suffix = "", rights = "createrole", owner: known } = {}) => {
      made += 1;
      const name = `db${made}_${id}${suffix}`;
      const owner = known ?? (await makeLogin(`owner${made}`, rights));
      await administrator.query(
        `create database ${escapeIdentifier(name)} template template0 owner ${owner}`,
      );
      const administratorUrl = urlOf(
        inject("serverUrl"),
        // The driver does not decode this one.
        encodeURIComponent(name).replaceAll("%24", "$"),
      );
      return { name, owner, administratorUrl, url: asLogin(administratorUrl, owner) };
    });
  },
  connect: async ({ administrator }, use) => {
    const opened: Client[] = [];
    await use(async (url, login) => {
      const connectionString = login === undefined ? url : asLogin(url, login);
      const client = new Client({ connectionString });
      client.on("error", () => undefined);
      await client.connect();
      opened.push(client);
      return client;
    });
    await Promise.all(opened.map((client) => client.end()));
    // It drops what they were connected to.
    await administrator.query("select");
  },
});

const GONE = [
  ["database", "select datname as name from pg_database where position($1 in datname) > 0"],
  // What a login has granted goes with the roles that it granted, from PostgreSQL 16 on.
  [
    "role",
    "select rolname as name from pg_roles where position($1 in rolname) > 0 order by rolcanlogin",
  ],
] as const;

/** The same database as another login. */
export function asLogin(url: string, login: string): string {
  const own = new URL(url);
  own.username = login;
  own.password = "secret";
  return own.href;
}

// Goal: where our roles cannot be made, the queue is its owner's alone, and nothing of it is
// everybody's; and what is granted where they can is on a list.
// Method: an embedded server that has no such roles, migrated by a login without CREATEROLE.

import { rm } from "node:fs/promises";
import { Client } from "pg";
import { test as base, expect } from "vitest";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { readRepeatables } from "../../src/database/schema/sql-files.ts";
import { test as onServer } from "../support/connections.ts";
import { migrate } from "../support/databases.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { call, query, startTask } from "../support/tasks.ts";

/** Everything that somebody but the owner may do in the schema. */
const OTHERS = `
  select kind, name, grantee, privilege
  from (
    select 'function', proname::text, proacl, proowner, acldefault('f', proowner) from pg_proc
    where pronamespace = 'triaged'::regnamespace
    union all
    select 'table', relname::text, relacl, relowner, acldefault('r', relowner) from pg_class
    where relnamespace = 'triaged'::regnamespace and relkind in ('r', 'p', 'v')
    union all
    select 'sequence', relname::text, relacl, relowner, acldefault('s', relowner) from pg_class
    where relnamespace = 'triaged'::regnamespace and relkind = 'S'
    union all
    select 'schema', nspname::text, nspacl, nspowner, acldefault('n', nspowner) from pg_namespace
    where nspname = 'triaged'
    union all
    select 'function to come', null, defaclacl, defaclrole, null from pg_default_acl
    where defaclnamespace = 'triaged'::regnamespace
  ) as object (kind, name, rights, owner, by_default)
  cross join lateral aclexplode(coalesce(rights, by_default)) as granted
    (grantor, grantee, privilege, is_grantable)
  where granted.grantee <> owner
  order by kind, name, grantee`;

const test = base.extend<{ client: Client; warnings: string[] }>({
  warnings: async ({}, use) => await use([]),
  client: async ({ warnings }, use) => {
    const folder = await makeTemporaryFolder();
    const server = await startEmbedded({
      folder: `${folder.path}/postgres`,
      settings: { fsync: "off" },
    });
    const administrator = new Client({ connectionString: server.url });
    const address = new URL(server.url);
    [address.username, address.password] = ["app", "secret"];
    const client = new Client({ connectionString: address.href });
    try {
      await administrator.connect();
      await administrator.query("create role app login password 'secret'");
      await administrator.query("grant create on database triaged to app");
      await client.connect();
      await migrate(
        { connectionString: address.href },
        { onWarning: (message) => warnings.push(message) },
      );
      await use(client);
    } finally {
      await client.end();
      await administrator.end();
      await server.stop();
      await rm(server.home, { recursive: true, force: true });
      await folder.remove();
    }
  },
});

test("a queue without roles is its owner's alone", { timeout: 120_000 }, async ({
  client,
  warnings,
}) => {
  expect(warnings).toEqual([
    "roles triaged_owner, triaged_api, triaged_readonly cannot be made: app has no CREATEROLE. " +
      "An administrator runs: create role triaged_owner; create role triaged_api; " +
      "create role triaged_readonly; grant triaged_owner, triaged_api, triaged_readonly to app " +
      "with admin option; Then run `triaged migrate` again",
  ]);
  expect(await query(client, OTHERS)).toEqual([]);
  const task = await startTask(client);
  expect(await call(client, "why", { task_id: task.task_id })).toHaveLength(1);
});

onServer("applying the functions takes from everybody what anybody has granted", async ({ db }) => {
  await db.query(`
    grant usage on schema triaged to public;
    grant execute on all functions in schema triaged to public;
    grant all on all tables in schema triaged to public;
    grant all on all sequences in schema triaged to public;
    grant execute on all functions in schema triaged to triaged_owner, triaged_api;
    alter default privileges in schema triaged grant execute on functions to public`);

  await db.query("set local check_function_bodies to off");
  await db.query(readRepeatables("triaged").text);

  const others = await query(db, OTHERS);
  expect(others.filter(({ grantee }) => grantee === 0)).toEqual([]);
});

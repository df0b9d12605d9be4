import { expect } from "vitest";
import { createClient, PayloadError } from "../../src/index.ts";
import { test, waitFor } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import { query } from "../support/tasks.ts";

test("a payload that cannot be stored is refused before it is sent", async () => {
  const client = createClient({ connectionString: "postgres://localhost:1/nothing" });

  await expect(client.enqueue("noop", { a: "\0" })).rejects.toThrow(PayloadError);
  await expect(
    client.enqueueMany([{ taskType: "noop", payload: { a: Number.NaN } }]),
  ).rejects.toThrow(PayloadError);
});

test("a schema that is no name is refused", () => {
  expect(() => createClient({ schema: "a; drop table tasks" })).toThrow(/^schema: expected/);
});

test("a client that could not connect tries again with the next question", async () => {
  const client = createClient({ connectionString: "mysql://nothing" });

  await expect(client.get("1")).rejects.toThrow(/expected a URL/);
  await expect(client.get("1")).rejects.toThrow(/expected a URL/);
  await client.close();
});

test("close leaves a pool that was given open", async ({ database }) => {
  const pool = poolOf(database.url);
  const client = createClient({ pool });
  await client.list();

  await client.close();

  expect(await query(pool, "select 1 as one")).toEqual([{ one: 1 }]);
  await pool.end();
});

test("a lost idle connection does not end the process", async ({ database }) => {
  const client = createClient({ connectionString: database.url });
  await client.list();
  const killer = poolOf(database.url);
  const alive = `select count(*)::integer as count from pg_stat_activity
    where application_name = 'triaged client' and datname = current_database()`;

  await query(killer, alive.replace("count(*)::integer as count", "pg_terminate_backend(pid)"));
  await waitFor(async () => (await query(killer, alive))[0]?.["count"] === 0);

  // The server is done with it; the first question may still be before the news arrives.
  await waitFor(async () => Array.isArray(await client.list().catch(() => undefined)));
  await killer.end();
  await client.close();
});

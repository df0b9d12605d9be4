import { expect, inject, test } from "vitest";
import { dropDatabase, makeDatabase, urlOf, withClient, withPool } from "../support/databases.ts";
import { runCli } from "../support/processes.ts";
import { runMain } from "../support/run-main.ts";
import { query } from "../support/tasks.ts";

test("migrate makes the schema once, --status tells, doctor refuses one that is newer", async () => {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "migrated");
  const env = { DATABASE_URL: urlOf(serverUrl, name), TRIAGED_SCHEMA: "queue_2" };
  const triaged = (...words: string[]) => runCli(words, { env });

  expect(await triaged("migrate", "--status")).toMatchObject({
    code: 78,
    stdout: expect.stringMatching(/0001-create-tasks +missing/),
  });
  expect(await triaged("migrate")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("applied 0001-create-tasks\n"),
  });
  expect(await triaged("migrate")).toMatchObject({
    code: 0,
    stdout: "schema queue_2 is up to date\n",
  });
  expect(await triaged("migrate", "--status")).toMatchObject({ code: 0 });
  expect(await triaged("enqueue", "noop")).toMatchObject({ code: 0 });
  await withPool(env.DATABASE_URL, (db) =>
    query(db, "insert into queue_2.schema_migrations values ('9999-from-the-future', 'x', now())"),
  );
  for (const words of [["migrate"], ["list"], ["work", "--drain"], ["doctor"]]) {
    const { code, stdout, stderr } = await triaged(...words);
    expect(code).toBe(words[0] === "doctor" ? 1 : 78);
    expect(stdout + stderr).toContain(
      "schema queue_2 is newer than this version of triaged: it has 9999-from-the-future",
    );
  }
  await dropDatabase(serverUrl, name);
});

test("migrate --create makes a database that is not there, once, of UTF8, and says who may", async () => {
  const serverUrl = inject("serverUrl");
  const name = `new "one" ${process.pid}`;
  const url = urlOf(serverUrl, encodeURIComponent(name));
  const user = `no_creator_${process.pid}`;
  await withClient(serverUrl, (client) => client.query(`create role ${user} login password 'p'`));
  const poor = Object.assign(new URL(url), { username: user, password: "p" }).href;
  const words = ["migrate", "--create", "--json"];

  const refused = await runMain(words, { databaseUrl: poor });
  const without = await runMain(["migrate"], { databaseUrl: url });
  const first = await runMain(words, { databaseUrl: url });
  const again = await runMain(words, { databaseUrl: url });

  expect(refused).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/was not created: permission denied[^]*let an administrator run/),
  });
  expect(without).toMatchObject({
    code: 78,
    stderr: expect.stringContaining("triaged migrate --create"),
  });
  expect(JSON.parse(first.stdout)).toMatchObject({ created: name });
  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ created: null, applied: [] });
  await withClient(url, async (client) => {
    expect(await query(client, "show server_encoding")).toEqual([{ server_encoding: "UTF8" }]);
  });
  await withClient(serverUrl, async (client) => {
    await client.query(`drop database "${name.replaceAll('"', '""')}" with (force)`);
    await client.query(`drop role ${user}`);
  });
});

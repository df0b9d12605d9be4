import { expect, inject, test } from "vitest";
import { dropDatabase, makeDatabase, urlOf, withPool } from "../support/databases.ts";
import { runCli } from "../support/processes.ts";
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

import { expect, inject, test } from "vitest";
import { dropDatabase, makeDatabase, migrate, urlOf, withClient } from "../support/databases.ts";
import { runCli } from "../support/processes.ts";
import { enqueue, query } from "../support/tasks.ts";

test("reset empties the queue of this machine, and one of production by its name alone", async () => {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "reset");
  const url = urlOf(serverUrl, name);
  const env = { DATABASE_URL: url };
  await migrate({ connectionString: url });
  const tasks = () =>
    withClient(url, async (client) => (await query(client, "select from triaged.tasks")).length);
  await withClient(url, (client) => enqueue(client));

  const refusals = [
    { words: ["reset"], env, code: 64, says: "Nobody is there to confirm it" },
    { words: ["reset", "--yes", "--database", "x"], env, code: 64, says: `database is ${name}` },
    {
      words: ["reset", "--yes"],
      env: { ...env, NODE_ENV: "production" },
      code: 64,
      says: `say --database ${name}`,
    },
  ];
  for (const { words, env: given, code, says } of refusals) {
    expect(await runCli(words, { env: given })).toMatchObject({
      code,
      stderr: expect.stringContaining(says),
    });
  }
  await withClient(`${url}?application_name=triaged%20work`, async () => {
    expect(await runCli(["reset", "--yes"], { env })).toMatchObject({
      code: 75,
      stderr: expect.stringContaining("stop workers"),
    });
  });
  expect(await tasks()).toBe(1);

  const done = await runCli(["reset", "--yes", "--database", name], {
    env: { ...env, NODE_ENV: "production" },
  });
  expect(done).toMatchObject({ code: 0, stdout: "schema triaged is empty and up to date\n" });
  expect(await tasks()).toBe(0);
  const { stdout } = await runCli(["audit", "--severity", "critical", "--json"], { env });
  expect(JSON.parse(stdout)).toMatchObject([{ event_type: "reset.performed" }]);
  expect((await runCli(["migrate", "--status"], { env })).code).toBe(0);
  await dropDatabase(serverUrl, name);
});

// The commands that tell of the queue as a whole: stats, migrate, psql, work's config.
import { expect, inject } from "vitest";
import { createDatabase, test, waitFor } from "../support/connections.ts";
import { dropDatabase, makeDatabase, urlOf, withPool } from "../support/databases.ts";
import { drain, runCli, runJson, startCli } from "../support/processes.ts";
import { enqueue, query, startWorker } from "../support/tasks.ts";

test("stats shows depth, what ended, workers and who waits for a person", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, async (db) => {
    await enqueue(db);
    await enqueue(db, { task_type: "throw", payload: { what: "ask" } });
  });
  await drain(url);
  await withPool(url, async (db) => {
    await enqueue(db, { queue: "mail" });
    await startWorker(db, { name: "alive-1" });
  });

  const { code, stdout } = await runCli(["stats"], { env: { DATABASE_URL: url } });

  expect(code).toBe(0);
  expect(stdout).toMatch(/Waiting and running\nqueue .*\ndefault +throw +needs_decision +1 /);
  expect(stdout).toMatch(/\nmail +noop +queued +1 +1 /);
  expect(stdout).toMatch(/Ended in 24 hours\ntype .*\nnoop +finished +1 +100\.0 % /);
  expect(stdout).toMatch(/Workers\nworker .*\n *\d+ +alive-1 +alive +0 +1 +default +noop\n/);
  expect(stdout).toContain("For a person: 1 needs_decision.");
  expect(await runJson(url, ["stats"])).toMatchObject({
    depth: [
      { queue: "default", count: 1 },
      { queue: "mail", due: 1 },
    ],
    statistics: [{ task_type: "noop", status: "finished", count: 1 }],
    workers: [{ worker_id: expect.any(Number), name: "alive-1", state: "alive" }],
    attention: { needs_decision: 1 },
  });
  await drop();
});

test("stats of an empty queue is short", async () => {
  const { url, drop } = await createDatabase();

  const { stdout } = await runCli(["stats"], { env: { DATABASE_URL: url } });

  expect(stdout).toBe(
    "Waiting and running\nnone\n\nEnded in 24 hours\nnone\n\nWorkers\nnone\n\n" +
      "Nothing waits for a person.\n",
  );
  await drop();
});

test("stats --watch draws again until Ctrl-C", async ({ database }) => {
  const watching = startCli(["stats", "--watch", "--every", "50ms"], {
    env: { DATABASE_URL: database.url },
  });
  await waitFor(() => watching.output.stdout.split("Waiting and running").length > 3);

  watching.signal("SIGINT");

  expect(await watching.ended).toMatchObject({ code: 0, stderr: "" });
});

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

test("psql prints the connection where nobody sits at a terminal", async ({ database }) => {
  const { code, stdout } = await runCli(["psql"], { env: { DATABASE_URL: database.url } });

  expect({ code, stdout }).toEqual({ code: 0, stdout: `${database.url}\n` });
});

test("work --print-config shows what is in force, without passwords", async () => {
  const env = { DATABASE_URL: "postgres://app:s3cret@db.example.org/orders", CONCURRENCY: "3" };

  const { code, stdout } = await runCli(["work", "--print-config", "--queue", "a,b"], { env });

  expect(code).toBe(0);
  expect(stdout).toContain(
    "DATABASE_URL=postgres://app:****@db.example.org/orders?sslmode=verify-full\n",
  );
  expect(stdout).toContain("\nQUEUES=a,b\nCONCURRENCY=3\n");
  expect(stdout).not.toContain("s3cret");
});

test("the log of a worker is on stderr and holds neither payloads nor passwords", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, (db) => enqueue(db, { payload: { secret: "v3ry-s3cret" } }));
  const words = ["work", "--drain", "--tasks", "test/fixtures/handlers"];

  const { code, stdout, stderr } = await runCli(words, {
    env: { DATABASE_URL: url, LOG_LEVEL: "trace" },
  });

  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain('"msg":"worker started"');
  expect(stderr).not.toContain("v3ry-s3cret");
  const password = new URL(url).password;
  expect(password === "" || !stderr.includes(password)).toBe(true);
  await drop();
});

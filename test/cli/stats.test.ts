import { expect } from "vitest";
import { createDatabase, test, waitFor } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { drain, runCli, runJson, startCli } from "../support/processes.ts";
import { enqueue, startWorker } from "../support/tasks.ts";

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
    database: "healthy",
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
    "The database is healthy.\n\nWaiting and running\nnone\n\nEnded in 24 hours\nnone\n\nWorkers\nnone\n\n" +
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

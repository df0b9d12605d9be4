// Goal: triaged verify tells a person and a program the truth, beside workers at work.
// Method: run the command on databases of its own; what it can find is in test/sql/verify.
import type { Pool } from "pg";
import { expect } from "vitest";
import { createDatabase, test } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { drain, type Ended, runCli, runJson } from "../support/processes.ts";
import { enqueue, query } from "../support/tasks.ts";

const verify = (url: string, ...words: string[]): Promise<Ended> =>
  runCli(["verify", ...words], { env: { DATABASE_URL: url } });

/** Change a table behind the back of its triggers, and so of history. */
async function corrupt(pool: Pool, statement: string, taskId: string): Promise<void> {
  const client = await pool.connect();
  await client.query("set session_replication_role to replica");
  await client.query(statement, [taskId]);
  client.release(true);
}

test("verify of a queue that works says what it judged, and exits 0", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, (db) => enqueue(db));
  await drain(url);

  const { code, stdout, stderr } = await verify(url);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^check +judged +broken\n/);
  expect(stdout).toMatch(/\ntransitions_are_legal +3 +0\n/);
  expect(stdout).toMatch(/\nHistory is complete since \d{4}-.*\nAll holds\.\n$/);
  await drop();
});

test("verify names each violation with its rows, and exits 1", async () => {
  const { url, drop } = await createDatabase();
  const lost = await withPool(url, async (pool) => {
    const taskId = await enqueue(pool);
    await corrupt(pool, "delete from triaged.live_tasks where task_id = $1", taskId);
    return taskId;
  });

  const { code, stdout } = await verify(url, "--since", "1h");
  const { code: codeOfJson, stdout: json } = await verify(url, "--json");

  expect(code).toBe(1);
  expect(stdout).toContain(
    `history_has_task: task ${lost}: queued by history, but in neither table\n` +
      "  history  history_id=1 at=",
  );
  expect(stdout).toMatch(/\nJudged is what happened since /);
  expect(stdout).toMatch(/\n1 violation, 1 shown\.\n$/);
  expect(codeOfJson).toBe(1);
  expect(JSON.parse(json)).toMatchObject({
    ok: false,
    complete: true,
    checked: { history_has_task: 1 },
    broken: { history_has_task: 1, transitions_are_legal: 0 },
    violations: [
      {
        check: "history_has_task",
        task_id: Number(lost),
        tasks: [],
        history: [{ event: "enqueue", status: "queued" }],
      },
    ],
  });
  await drop();
});

test("verify tells the first hundred violations of a check and counts the rest", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, async (pool) => {
    await query(pool, "select triaged.enqueue_task('noop') from generate_series(1, 130)");
    await corrupt(pool, "delete from triaged.task_history where task_id >= $1", "1");
  });

  const { code, stdout } = await verify(url, "--json");

  expect(code).toBe(1);
  const report: unknown = JSON.parse(stdout);
  expect(report).toMatchObject({ broken: { task_was_enqueued: 130 } });
  expect(report).toHaveProperty("violations.length", 100);
  await drop();
});

test("verify whose time is over exits 1 and says so", async ({ database }) => {
  const { code, stdout } = await verify(database.url, "--timeout", "0s");

  expect(code).toBe(1);
  expect(stdout).toContain("The time was over before the last task");
});

test("verify finds nothing wrong beside producers and workers at work", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, async (pool) => {
    const looks = { over: false, count: 0 };
    const looking = (async () => {
      while (!looks.over) {
        expect(await runJson(url, ["verify"])).toMatchObject({ ok: true, violations: [] });
        looks.count += 1;
      }
    })();
    for (let round = 0; round < 2; round += 1) {
      await query(pool, "select triaged.enqueue_task('noop') from generate_series(1, 2000)");
      await drain(url);
    }
    looks.over = true;
    await looking;
    expect(looks.count).toBeGreaterThan(0);
    expect(await runJson(url, ["verify"])).toMatchObject({
      checked: { final_task_has_end: 4_000, transitions_are_legal: 12_000 },
    });
  });
  await drop();
});

test("a role that may only look may verify", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, (db) => enqueue(db));
  const as = new URL(url);
  as.searchParams.set("options", "-c role=triaged_readonly");

  expect(await runJson(as.href, ["verify"])).toMatchObject({ ok: true });
  await drop();
});

// The commands that look at tasks and operate them.
import { userInfo } from "node:os";
import { expect } from "vitest";
import { createDatabase, test } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { drain, runCli, runJson } from "../support/processes.ts";
import { currentRole, enqueue, query } from "../support/tasks.ts";

const OPERATOR = `cli ${userInfo().username}`;

function onDatabase(url: string) {
  return (...words: string[]) => runCli(words, { env: { DATABASE_URL: url } });
}

test("show tells a person what is known, and a program everything", async ({ database }) => {
  const triaged = onDatabase(database.url);
  const id = await withPool(database.url, (db) =>
    enqueue(db, { task_type: "shown", payload: { a: { b: "\u001b[31mred" } }, priority: 1 }),
  );

  const { code, stdout } = await triaged("show", id);

  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^task +${id}\ntype +shown\nqueue +default\nstatus +queued\n`));
  expect(stdout).toContain('  "a": {\n');
  expect(stdout).not.toContain("\u001b");
  expect(await runJson(database.url, ["show", id])).toMatchObject({
    task_id: Number(id),
    task_type: "shown",
    payload: { a: { b: "\u001b[31mred" } },
    status: "queued",
    worker_id: null,
    ended_at: null,
  });
});

test.for(["show", "history"])("%s of an unknown task is refused", async (command, { database }) => {
  const { code, stdout, stderr } = await onDatabase(database.url)(command, "987654321");

  expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
  expect(stderr).toMatch(/^error: there is no task 987654321\nhint: .*\n$/);
});

test("list filters and shows the newest first", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, async (db) => {
    for (let n = 0; n < 22; n++) {
      await enqueue(db, { task_type: n % 2 === 0 ? "even" : "odd", queue: n < 4 ? "mail" : "x" });
    }
  });
  const typesOf = async (...words: string[]) =>
    JSON.stringify(await runJson(url, ["list", ...words])).match(/even|odd/g) ?? [];

  expect(await typesOf()).toHaveLength(20);
  expect((await typesOf("--limit", "2")).slice(0, 2)).toEqual(["odd", "even"]);
  expect(await typesOf("--type", "even", "--queue", "mail")).toEqual(["even", "even"]);
  expect(await typesOf("--status", "failed")).toEqual([]);
  const { stdout } = await onDatabase(url)("list", "--limit", "1");
  expect(stdout).toMatch(/^task +type +queue +status .*\n *\d+ +odd +x +queued .*\n$/);
  await drop();
});

test("history tells a life, the oldest first, and who did what", async () => {
  const { url, drop } = await createDatabase();
  const triaged = onDatabase(url);
  const id = await withPool(url, (db) => enqueue(db));
  await triaged("cancel", id);
  await triaged("retry", id);
  await drain(url);

  const rows = await runJson(url, ["history", id]);

  expect(rows).toMatchObject([
    { task_id: Number(id), event: "enqueue", status: "queued", attempt_count: 0 },
    { event: "cancel", status: "cancelled", actor: OPERATOR, error: "Cancelled by user" },
    { event: "retry", status: "queued", actor: OPERATOR },
    { event: "claim", status: "started", attempt_count: 1, worker: "drainer" },
    { event: "finish", status: "finished", duration_ms: expect.any(Number) },
  ]);
  expect(await runJson(url, ["history", id, "--limit", "1"])).toMatchObject([{ event: "finish" }]);
  const { stdout } = await triaged("history", id);
  expect(stdout.split("\n")).toHaveLength(7);
  expect(stdout).toMatch(/^at +event +status +attempt +by +waited +ran +error\n/);
  // Who the actor says it is, and the login that it cannot choose.
  const login = await withPool(url, currentRole);
  expect(rows).toMatchObject(Array.from({ length: 5 }, () => ({ login })));
  expect(stdout).toContain(`  ${OPERATOR} (${login})  `);
  await drop();
});

test("why gives reasons and hints", async ({ database }) => {
  const id = await withPool(database.url, (db) => enqueue(db, { task_type: "nobody_has_this" }));

  const { code, stdout } = await onDatabase(database.url)("why", id);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^no worker.*\n {2}hint: /);
  expect(await runJson(database.url, ["why", id])).toEqual([
    { reason: expect.any(String), hint: expect.any(String) },
    ...Array.from({ length: stdout.split("\n  hint: ").length - 2 }, () => expect.anything()),
  ]);
});

test("cancel and retry say what they did, and refuse the second time", async ({ database }) => {
  const triaged = onDatabase(database.url);
  const id = await withPool(database.url, (db) => enqueue(db, { task_type: "operated" }));

  expect(await triaged("cancel", id)).toMatchObject({
    code: 0,
    stdout: `task ${id} is cancelled\n`,
  });
  const { code, stderr } = await triaged("cancel", id);
  expect(code).toBe(64);
  expect(stderr).toMatch(/^error: task \d+ is cancelled: it cannot be cancelled\nhint: .*\n$/);
  expect(await runJson(database.url, ["retry", id])).toEqual({
    retried: [Number(id)],
    skipped: [],
  });
  expect(await triaged("retry", id)).toMatchObject({ code: 64 });
});

test("retry by filter counts, and asks unless told not to", async () => {
  const { url, drop } = await createDatabase();
  const triaged = onDatabase(url);
  await withPool(url, async (db) => {
    for (const task_type of ["a", "a", "b"]) {
      await query(db, "select triaged.cancel_task($1)", [await enqueue(db, { task_type })]);
    }
  });

  const asked = await triaged("retry", "--type", "a", "--status", "cancelled");
  const told = await triaged("retry", "--type", "a", "--status", "cancelled", "--yes");

  expect(asked).toMatchObject({ code: 64, stdout: "" });
  expect(asked.stderr).toBe(
    "error: Retry 2 tasks? Nobody is there to confirm it\nhint: add --yes\n",
  );
  expect(told).toMatchObject({ code: 0, stdout: "2 tasks queued again, 0 skipped\n" });
  expect(await runJson(url, ["list", "--status", "queued"])).toHaveLength(2);
  await drop();
});

test("decide answers with JSON or with text", async () => {
  const { url, drop } = await createDatabase();
  const triaged = onDatabase(url);
  const ids = await withPool(url, async (db) => [
    await enqueue(db, { task_type: "throw", payload: { what: "ask" } }),
    await enqueue(db, { task_type: "throw", payload: { what: "ask" } }),
  ]);
  const [first = "", second = ""] = ids;
  await drain(url);

  expect(await triaged("decide", first, '{"merge": true}')).toMatchObject({
    code: 0,
    stdout: `task ${first} is queued with the decision\n`,
  });
  await triaged("decide", second, "yes, please");
  expect(await triaged("decide", first, "again")).toMatchObject({ code: 64 });
  await drain(url);

  const results = await Promise.all(ids.map((id) => runJson(url, ["show", id])));
  expect(results).toMatchObject([
    { status: "finished", result: { decision: { merge: true } } },
    { status: "finished", result: { decision: "yes, please" } },
  ]);
  await drop();
});

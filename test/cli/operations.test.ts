// Goal: what persons do in the dashboard they do at the terminal as well, with a reason: one task,
// or all that match, after a look at how many these are.
import { expect, onTestFinished } from "vitest";
import { createDatabase, test } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { startedJobs } from "../support/jobs.ts";
import { runMain } from "../support/run-main.ts";
import { enqueue, query, readTask } from "../support/tasks.ts";

/** Some tasks of a type in a database of this test's own, and a way to say commands to it. */
async function withTasks(count: number) {
  const { url, drop } = await createDatabase();
  onTestFinished(drop);
  const ids = await withPool(url, async (db) => {
    const made: string[] = [];
    for (let at = 0; at < count; at += 1) made.push(await enqueue(db, { task_type: "mail" }));
    return made;
  });
  const triaged = (...words: string[]) => runMain(words, { databaseUrl: url });
  const operations = () =>
    withPool(url, (db) =>
      query(
        db,
        "select action, reason, door, task_id, target from triaged.operations order by operation_id",
      ),
    );
  return { url, ids, triaged, operations };
}

test("single verbs take a reason, which the operation has", async () => {
  const { ids, triaged, operations } = await withTasks(1);
  const [id = ""] = ids;

  await triaged("change", id, "--priority", "high", "--reason", "first of all");
  await triaged("change", id, "--run-at", "now", "--reason", "it is urgent");
  await triaged("cancel", id, "--reason", "sent twice");
  await triaged("retry", id, "--reason", "it was not");

  expect((await operations()).map(({ action, reason, door }) => [action, reason, door])).toEqual([
    ["change_priority", "first of all", "cli"],
    ["cancel", "sent twice", "cli"],
    ["retry", "it was not", "cli"],
  ]);
  const { stdout } = await triaged("operations", "list", "--task", id, "--json");
  expect(JSON.parse(stdout)).toMatchObject([
    { action: "retry", reason: "it was not", task_id: Number(id) },
    { action: "cancel" },
    { action: "change_priority" },
  ]);
});

test("pauses of queues and types take a reason as well", async () => {
  const { triaged, operations } = await withTasks(1);

  await triaged("pause", "default", "--reason", "the host is away");
  await triaged("resume", "default", "--reason", "it is back");
  await triaged("pause", "--type", "mail", "--reason", "sent twice");
  await triaged("resume", "--type", "mail");

  expect(
    (await operations()).map(({ action, reason, target }) => [action, reason, target]),
  ).toEqual([
    ["pause_queue", "the host is away", { queue: "default" }],
    ["resume_queue", "it is back", { queue: "default" }],
    ["pause_task_type", "sent twice", { task_type: "mail" }],
    ["resume_task_type", null, { task_type: "mail" }],
  ]);
});

test("all that match are cancelled by one operation, which is shown and aborted", async () => {
  const { ids, triaged, operations } = await withTasks(3);
  const where = ["cancel", "--where", "type=mail&since=1h"];

  expect(await triaged(...where)).toMatchObject({ code: 64 });
  const asked = await triaged(...where, "--reason", "a bad release");
  expect(asked.stderr).toContain("Cancel 3 tasks? Nobody is there to confirm it");
  expect(asked.code).toBe(64);
  expect(await operations()).toEqual([]);

  const begun = await triaged(...where, "--reason", "a bad release", "--yes", "--json");
  const { operation_id: id } = JSON.parse(begun.stdout);
  expect(JSON.parse(begun.stdout)).toMatchObject({ expected: 3, is_estimate: false });
  const shown = await triaged("operations", "show", String(id));
  expect(shown.stdout).toMatch(/what +cancel\n[^]*why +a bad release\n[^]*running, 0 of 3 done/);
  expect((await triaged("operations", "list", "--many")).stdout).toContain("running, 0 of 3 done");
  const aborted = await triaged("operations", "abort", String(id), "--reason", "no", "--json");
  expect(JSON.parse(aborted.stdout)).toEqual({ operation_id: id, aborted: true });
  expect((await triaged("operations", "abort", String(id))).stdout).toContain("had ended");
  expect(await operations()).toMatchObject([
    { action: "cancel", reason: "a bad release", target: { task_type: "mail" } },
    { action: "abort", reason: "no", door: "cli" },
  ]);
  expect(ids).toHaveLength(3);
});

test("an operation is followed until the jobs have done it", async () => {
  const { url, ids, triaged } = await withTasks(2);
  await using _jobs = await startedJobs(url);
  const words = ["cancel", "--where", "type=mail", "--reason", "over", "--yes", "--wait"];

  const done = await triaged(...words);

  expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/done, 2 of 2 done/) });
  await withPool(url, async (db) => {
    for (const id of ids) expect(await readTask(db, id)).toMatchObject({ status: "cancelled" });
  });
});

test.for([
  [["cancel"], "expected TASK_ID or --where"],
  [["cancel", "1", "--where", "type=a"], "expected TASK_ID or --where"],
  [["change", "1"], "and --priority or --run-at"],
  [["change", "1", "--run-at", "soon"], "--run-at"],
  [["operations", "show"], "expected list, or one of show, abort with an ID"],
  [["cancel", "--where", "typ=a", "--reason", "r"], "--where: "],
  [["cancel", "--where", "type=a&type=b", "--reason", "r"], "--where: type: expected once"],
  [["retry", "--where", "status=queued", "--reason", "r"], "not possible for tasks that are"],
  [["operations", "show", "4711"], "there is no operation 4711"],
] as const)("%j is refused", async ([words, message], { database }) => {
  const { code, stderr } = await runMain(words, { databaseUrl: database.url });

  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining(message) });
});

// Goal: an id of a producer names one task, whoever else is giving it at the same moment.

import { expect } from "vitest";
import { test, waitUntilBlocked } from "../support/connections.ts";
import { query, queryOne } from "../support/tasks.ts";

const INSERT = `insert into triaged_compat.tasks (task_id, task_type, status)
  values ('their-id', 'consumer_triage', 'queued') returning task_id, status`;
const IMPORT = INSERT.replace("'queued'", "'finished'");
const CANCEL =
  "update triaged_compat.tasks set status = 'failed', error = 'Cancelled by user' returning 1";

test.for([
  { name: "that lives", first: [INSERT], status: "queued" },
  { name: "that has ended by then", first: [INSERT, CANCEL], status: "failed" },
  {
    name: "whose key was released by then",
    first: [INSERT, CANCEL, "select from triaged.expire_rows()"],
    status: "failed",
  },
  { name: "that was imported", first: [IMPORT], status: "finished" },
])(
  "of two inserts of one id, the second waits and gets the task $name",
  async ({ first, status }, { connect }) => {
    const [earlier, later, observer] = [await connect(), await connect(), await connect()];
    await earlier.query("begin");
    for (const statement of first) {
      await earlier.query(statement);
    }

    const waiting = query(later, INSERT);
    await waitUntilBlocked(observer, later);
    await earlier.query("commit");

    expect(await waiting).toEqual([{ task_id: "their-id", status }]);
    expect(await query(later, "select given_id from triaged.tasks")).toEqual([
      { given_id: "their-id" },
    ]);
  },
);

test("an import that waited for a live task of its id is refused", async ({ connect }) => {
  const [earlier, later, observer] = [await connect(), await connect(), await connect()];
  await earlier.query("begin");
  await earlier.query(INSERT);

  const waiting = query(later, IMPORT).catch((err: unknown) => err);
  await waitUntilBlocked(observer, later);
  await earlier.query("commit");

  expect(await waiting).toMatchObject({ code: "23505" });
});

test("an insert that waited for one that rolled back makes the task", async ({ connect }) => {
  const [earlier, later, observer] = [await connect(), await connect(), await connect()];
  await earlier.query("begin");
  await earlier.query(INSERT);

  const waiting = query(later, INSERT);
  await waitUntilBlocked(observer, later);
  await earlier.query("rollback");

  expect(await waiting).toEqual([{ task_id: "their-id", status: "queued" }]);
  expect(await queryOne(later, "select count(*)::int as tasks from triaged.tasks")).toEqual({
    tasks: 1,
  });
});

// Goal: no role of the queue can stop it by a lock on a table or a view, which it needs no
// statement to hold: what it may lock conflicts with nothing that enqueue, claim and settle do.
// Method: each relation, each role, each mode.

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { query } from "../support/tasks.ts";

const ROLES = ["triaged_owner", "triaged_api", "triaged_readonly"];
/** What a statement that reads or writes rows takes as well. */
const HARMLESS = ["access share", "row share", "row exclusive"];
const HARMFUL = [
  "share update exclusive",
  "share",
  "share row exclusive",
  "exclusive",
  "access exclusive",
];

test.for(ROLES)("%s locks nothing in a mode that others wait for", async (role, { db }) => {
  const relations = await query<{ name: string }>(
    db,
    `select format('triaged.%I', relname) as name from pg_class
     where relnamespace = 'triaged'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
     order by 1`,
  );
  expect(relations.length).toBeGreaterThan(20);
  await db.query(`set local role ${role}`);
  const locked: string[] = [];

  for (const { name } of relations) {
    for (const mode of HARMFUL) {
      await db.query("savepoint trial");
      await db.query(`lock table ${name} in ${mode} mode nowait`).then(
        () => locked.push(`${name} in ${mode} mode`),
        (err: unknown) => {
          expect(err).toMatchObject({ code: "42501" });
        },
      );
      await db.query("rollback to savepoint trial");
    }
  }

  expect(locked).toEqual([]);
});

test("the modes of the test are all that there are", async ({ db }) => {
  for (const mode of [...HARMLESS, ...HARMFUL]) {
    await db.query(`lock table triaged.queues in ${mode} mode nowait`);
  }
  const held = await query(
    db,
    "select count(distinct mode)::integer as modes from pg_locks where relation = 'triaged.queues'::regclass",
  );
  expect(held).toEqual([{ modes: 8 }]);
});

test("the owner's role still updates each column that a person may", async ({ db }) => {
  await db.query("select triaged.enqueue_task('noop')");
  await db.query("set local role triaged_owner");

  for (const change of ["priority = 0", "run_at = now()", "status = 'cancelled'"]) {
    await db.query(`update triaged.tasks set ${change}`);
  }
  await db.query("savepoint trial");
  await expect(db.query("update triaged.tasks set attempt_count = 7")).rejects.toMatchObject({
    code: "TR002",
  });
  await db.query("rollback to savepoint trial");
});

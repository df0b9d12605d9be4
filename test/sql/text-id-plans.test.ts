// Goal: a task is found by its id as text at the cost of one task, however many there are.
// Method: as in plans.test.ts, auto_explain tells how many rows each node of a plan read.

import { expect } from "vitest";
import { test } from "../support/db.ts";
import { watchPlans } from "../support/plans.ts";

const ID = "5f0c1bd2-7f67-4f0e-9d64-1a1df5a0f3f1";

test.for([
  ["a status by the id of a producer", "SELECT * FROM tasks WHERE task_id = $1", ID],
  ["a status by a number", "SELECT * FROM tasks WHERE task_id = $1", "7"],
  ["the history by an id", "SELECT * FROM task_history WHERE task_id = $1", ID],
  ["the client's look for an id", "select triaged.task_id_of($1)", ID],
  ["the client's look for a number", "select triaged.task_id_of($1)", "7"],
] as const)(
  "%s reads one task, beside many that wait and have ended",
  async ([, statement, id], { db }) => {
    await db.query("set local search_path to triaged_compat, triaged");
    await db.query(
      `insert into triaged_compat.tasks (task_id, task_type, status)
       values ('${ID}', 'consumer_triage', 'finished')`,
    );
    const many = "generate_series(1, 3000)";
    await db.query(
      `select triaged.enqueue_task(case when n % 2 = 0 then 'noop' else 'consumer_triage' end)
     from ${many} as n`,
    );
    await db.query(
      `select triaged.import_task(jsonb_build_object(
       'task_type', 'template_triage', 'status', 'finished', 'given_id', 'g' || n)) from ${many} as n`,
    );
    await db.query("analyze triaged.live_tasks, triaged.final_tasks, triaged.task_history");

    // With literals: the plan of a statement with parameters is told once its portal is gone.
    const nodes = await watchPlans(db, () => db.query(statement.replace("$1", `'${id}'`)));

    expect(nodes.filter(({ relation }) => relation === "live_tasks")).not.toEqual([]);
    expect(nodes.filter(({ rowsRead }) => rowsRead > 10)).toEqual([]);
  },
);

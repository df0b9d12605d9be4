// Goal: what verify takes for legal by hand is what the triggers let people do.
// Method: try each change of status on the table itself, and compare with the list.

import type { Client } from "pg";
import { expect } from "vitest";
import {
  isFinal,
  recordedMoves,
  TASK_STATUSES,
  type TaskStatus,
} from "../../src/model/task-status.ts";
import { test } from "../support/connections.ts";
import { startWorker } from "../support/tasks.ts";
import { seedTask } from "../support/transitions.ts";

/** With the columns that follow the status, so that no constraint is in the way. */
async function maySet(db: Client, taskId: string, status: TaskStatus): Promise<boolean> {
  const holder = status === "started" ? await startWorker(db) : null;
  await db.query("savepoint move");
  try {
    await db.query(
      `update triaged.live_tasks
       set status = $2, attempt_count = attempt_count + 1, worker_id = $3,
         started_at = now(), ended_at = $4
       where task_id = $1`,
      [taskId, status, holder, isFinal(status) ? new Date() : null],
    );
    return true;
  } catch (err) {
    expect(err).toMatchObject({ code: "TR002" });
    return false;
  } finally {
    await db.query("rollback to savepoint move");
  }
}

test.for(TASK_STATUSES.filter((status) => !isFinal(status)))(
  "the moves by hand from %s are those that the triggers let pass",
  async (before, { db }) => {
    const { task_id } = await seedTask(db, before);
    const allowed: TaskStatus[] = [];
    for (const status of TASK_STATUSES) {
      if (await maySet(db, task_id, status)) {
        allowed.push(status);
      }
    }

    const listed = recordedMoves().filter(
      (move) => move.before === before && move.event === "manual",
    );
    expect(allowed.toSorted()).toEqual(listed.map(({ after }) => after).toSorted());
  },
);

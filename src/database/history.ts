/** History as followers read it. The verbs are described in queue.ts. */
import { z } from "zod";
import { isoTime } from "./database.ts";
import type { Queue } from "./queue.ts";
import { HistoryLook, Transition } from "./rows.ts";

export const lookAtHistory: Queue["lookAtHistory"] = async (db) => {
  const [row] = await db.query({
    text: `select drawn_id as "drawnId", writers, prepared, folded_id as "foldedId",
             dropped_id as "droppedId"
           from triaged.look_at_history()`,
  });
  return HistoryLook.parse(row);
};

export const readTransitions: Queue["readTransitions"] = async (db, range) => {
  const { after, until, taskIds, limit } = range;
  const rows = await db.query({
    text: `select id, task_id, event, status, queue, task_type, worker_id, attempt,
             ${isoTime("occurred_at")}, actor, error, wait_ms, duration_ms, detail
           from triaged.transitions_between($1, $2, $3, $4)
           order by transitions_between.id`,
    values: [String(after), String(until), taskIds, limit],
  });
  return rows.map((row) => Transition.parse(row));
};

export const newestTransition: Queue["newestTransition"] = async (db, taskId) => {
  const [row] = await db.query({
    text: "select triaged.newest_transition($1) as id",
    values: [taskId],
  });
  return z.object({ id: z.string() }).parse(row).id;
};

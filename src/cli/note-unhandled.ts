import { z } from "zod";
import { visibleLine } from "../foreign-text.ts";
import type { Database } from "../postgres/database.ts";
import { nearest } from "./nearest.ts";
import { note } from "./print.ts";

const Row = z.object({ task_type: z.string() });

/**
 * Tell on stderr of a task type that no worker handles: it may be a slip of the finger. While no
 * worker is there, nothing is known and nothing is told.
 */
export async function noteUnhandled(db: Database, taskType: string): Promise<void> {
  const rows = await db.query({
    text: `select distinct unnest(task_types) as task_type
           from triaged.workers where ended_at is null order by 1`,
  });
  const handled = rows.map((row) => Row.parse(row).task_type);
  if (handled.length === 0 || handled.includes(taskType)) {
    return;
  }
  const meant = nearest(taskType, handled);
  const hint = meant === null ? "" : `; did you mean ${meant}?`;
  note(visibleLine(`no worker handles ${taskType}${hint}`));
}

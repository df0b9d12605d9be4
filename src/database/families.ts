/** The family of a task, as far as a page shows it: bounded, however large the family is. */
import { z } from "zod";
import type { Database } from "./database.ts";

const Relative = z.object({
  task_id: z.string(),
  parent_task_id: z.string().nullable(),
  task_type: z.string(),
  status: z.string(),
});
/** A member of a family. */
export type FamilyMember = z.output<typeof Relative>;

/** Generations above a task that are looked for. */
const ANCESTORS_MAX = 50;

/**
 * The task with those above it, its first children, and the first others of the same root, by id:
 * at most `limit` of children and of others. Empty for an unknown task.
 */
export async function readFamily(
  db: Database,
  taskId: string,
  { limit }: { readonly limit: number },
): Promise<FamilyMember[]> {
  const rows = await db.query({
    text: `with recursive ancestors as (
             select task_id, parent_task_id, root_task_id, task_type, status, 0 as generation
             from triaged.tasks where task_id = $1
             union all
             select parent.task_id, parent.parent_task_id, parent.root_task_id, parent.task_type,
               parent.status, child.generation + 1
             from ancestors as child
             join triaged.tasks as parent on parent.task_id = child.parent_task_id
             where child.generation < ${ANCESTORS_MAX}
           )
           select task_id, parent_task_id, task_type, status from ancestors
           union
           (select task_id, parent_task_id, task_type, status from triaged.tasks
            where parent_task_id = $1 order by created_at, task_id limit $2)
           union
           (select task_id, parent_task_id, task_type, status from triaged.tasks
            where root_task_id = (
              select coalesce(root_task_id, task_id) from ancestors where generation = 0
            )
            order by task_id limit $2)
           order by task_id`,
    values: [taskId, limit],
  });
  return rows.map((row) => Relative.parse(row));
}

/** The family of a task, as far as a page shows it: bounded, however large the family is. */
import { z } from "zod";
import type { Database } from "./database.ts";

const FamilyMember = z.object({
  task_id: z.string(),
  parent_task_id: z.string().nullable(),
  task_type: z.string(),
  status: z.string(),
});
/** A member of a family. */
export type FamilyMember = z.output<typeof FamilyMember>;

/** Generations above a task that are looked for. */
const ANCESTORS_MAX = 50;

const COLUMNS = "task_id, parent_task_id, task_type, status";

/**
 * The task with those above it, its first children, and the first others of the same root, by id:
 * at most `limit` of children and of others.
 */
export async function readFamily(
  db: Database,
  task: FamilyMember & { readonly root_task_id: string | null },
  { limit }: { readonly limit: number },
): Promise<FamilyMember[]> {
  const family = new Map([[task.task_id, FamilyMember.parse(task)]]);
  const add = async (condition: string, values: readonly unknown[]) => {
    const rows = await db.query({
      text: `select ${COLUMNS} from triaged.tasks where ${condition}`,
      values: [...values],
    });
    for (const row of rows) {
      const one = FamilyMember.parse(row);
      family.set(one.task_id, one);
    }
  };
  await add("parent_task_id = $1 order by created_at, task_id limit $2", [task.task_id, limit]);
  const root = task.root_task_id ?? task.task_id;
  await add("root_task_id = $1 order by task_id limit $2", [root, limit]);
  // One by one: a recursion takes longer to plan than the few that there are take to look up.
  let above = task.parent_task_id;
  for (let look = 0; above !== null && look < ANCESTORS_MAX; look += 1) {
    if (!family.has(above)) {
      await add("task_id = $1", [above]);
    }
    above = family.get(above)?.parent_task_id ?? null;
  }
  return [...family.values()].toSorted((a, b) => (BigInt(a.task_id) < BigInt(b.task_id) ? -1 : 1));
}

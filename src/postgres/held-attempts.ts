import type { Attempt } from "../errors.ts";
import type { Database } from "./database.ts";

/** The attempts that a worker holds, whether it knows of them or not. */
export async function heldAttempts(db: Database, workerId: string): Promise<Attempt[]> {
  return await db.query<Attempt>({
    text: `select task_id as "taskId", attempt_count as attempt
      from triaged.live_tasks
      where worker_id = $1 and status = 'started'`,
    values: [workerId],
  });
}

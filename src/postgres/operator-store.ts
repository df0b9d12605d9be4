import { z } from "zod";
import { toJson } from "../json.ts";
import type { Database } from "./database.ts";

/** One reason why a task does not run, or what became of it; what can be done, or null. */
const Reason = z.object({ reason: z.string(), hint: z.string().nullable() });
export type Reason = z.output<typeof Reason>;

const CancelOutcome = z.object({ outcome: z.enum(["cancelled", "requested"]) });
/** `requested`: the task runs; its worker aborts it, and a task that finishes first is finished. */
export type CancelOutcome = z.output<typeof CancelOutcome>["outcome"];

/** Throws TR001 for an unknown task and TR002 for a final one. */
export async function cancelTask(db: Database, taskId: string): Promise<CancelOutcome> {
  const [row] = await db.query({
    text: "select triaged.cancel_task($1) as outcome",
    values: [taskId],
  });
  return CancelOutcome.parse(row).outcome;
}

/** Throws TR001 for an unknown task and TR002 unless it failed or was cancelled. */
export async function retryTask(db: Database, taskId: string): Promise<void> {
  await db.query({ text: "select triaged.retry_task($1)", values: [taskId] });
}

/** Throws TR001 for an unknown task and TR002 unless it waits for a decision. */
export async function decideTask(db: Database, taskId: string, decision: unknown): Promise<void> {
  await db.query({
    text: "select triaged.decide_task($1, $2::jsonb)",
    values: [taskId, toJson(decision)],
  });
}

/** Why the task does not run, the most telling reason first. */
export async function whyTask(db: Database, taskId: string): Promise<Reason[]> {
  const rows = await db.query({
    text: "select reason, hint from triaged.why($1)",
    values: [taskId],
  });
  return rows.map((row) => Reason.parse(row));
}

/** The newest tasks that ended so, for a retry of them all. At most `limit` ids. */
export async function endedTaskIds(
  db: Database,
  filter: {
    status: "failed" | "cancelled";
    taskType?: string | undefined;
    queue?: string | undefined;
    limit: number;
  },
): Promise<string[]> {
  const rows = await db.query({
    text: `select task_id
           from triaged.final_tasks
           where status = $1
             and ($2::text is null or task_type = $2)
             and ($3::text is null or queue = $3)
           order by ended_at desc
           limit $4`,
    values: [filter.status, filter.taskType ?? null, filter.queue ?? null, filter.limit],
  });
  return rows.map((row) => z.object({ task_id: z.string() }).parse(row).task_id);
}

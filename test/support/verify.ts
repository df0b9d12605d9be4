import type { Client } from "pg";
import { inSchema } from "../../src/database/database.ts";
import { type Report, verifyAudit } from "../../src/database/verify/verify.ts";

/** The beginning of a statement that puts a row into history. */
export const RECORD = `insert into triaged.task_history
  (task_id, task_type, at, event, status, attempt_count, actor)`;

/** Compare all tasks with their history, or what happened since then. */
export async function verify(db: Client, sinceMs: number | null = null): Promise<Report> {
  return await verifyAudit(inSchema(db), { sinceMs, limitMs: 60_000 });
}

/** Which checks fail, each for which task. */
export function brokenOf(report: Report): string[] {
  return report.violations.map(({ check, task_id }) => `${check} ${task_id}`);
}

/** Run statements with $1, the task, behind the back of the triggers, and so of history. */
export async function plant(
  db: Client,
  taskId: string,
  statements: readonly string[],
): Promise<void> {
  await db.query("set local session_replication_role to replica");
  for (const statement of statements) {
    await db.query(statement, [taskId]);
  }
  await db.query("set local session_replication_role to origin");
}

import { z } from "zod";
import { toJson } from "../model/json.ts";
import type { Config } from "../settings/config.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";

/** One reason why a task does not run, or what became of it; what can be done, or null. */
export const Reason = z.object({ reason: z.string(), hint: z.string().nullable() });
export type Reason = z.output<typeof Reason>;

export const CancelOutcome = z.object({ outcome: z.enum(["cancelled", "requested"]) });
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

/** A queue or a task type. */
export type Pausable = { readonly kind: "queue" | "task type"; readonly name: string };

const Pause = z.object({
  kind: z.enum(["queue", "task type"]),
  name: z.string(),
  paused_at: IsoTime,
});
type Pause = z.output<typeof Pause>;

/** What is paused, at most `limit`. */
export async function listPauses(db: Database, limit: number): Promise<Pause[]> {
  const rows = await db.query({
    text: `select ${columnsOf(Pause.shape)} from triaged.pauses order by kind, name limit $1`,
    values: [limit],
  });
  return rows.map((row) => Pause.parse(row));
}

/** Claim nothing more of it; it stays paused since the first time. */
export async function pauseClaiming(db: Database, { kind, name }: Pausable): Promise<void> {
  await db.query({
    text:
      kind === "queue" ? "select triaged.pause_queue($1)" : "select triaged.pause_task_type($1)",
    values: [name],
  });
}

export async function resumeClaiming(db: Database, { kind, name }: Pausable): Promise<void> {
  await db.query({
    text:
      kind === "queue" ? "select triaged.resume_queue($1)" : "select triaged.resume_task_type($1)",
    values: [name],
  });
}

/** The names of queues or task types that a worker, a live task or a setting knows. */
export async function pausableNames(db: Database, kind: Pausable["kind"]): Promise<string[]> {
  const rows = await db.query({
    text:
      kind === "queue"
        ? `select queue as name from triaged.queues
           union select unnest(queues) from triaged.workers where ended_at is null
           union select queue from triaged.queue_depth
           order by name`
        : `select task_type as name from triaged.task_types
           union select task_type from triaged.queue_depth
           order by name`,
  });
  return rows.map((row) => z.object({ name: z.string() }).parse(row).name);
}

/** What the queue goes by on every host: the rows of queue_settings. */

const QueueSetting = z.object({
  name: z.string(),
  value: z.string(),
  /** Null: nobody has changed it. */
  changed_at: z.date().nullable(),
  changed_by: z.string().nullable(),
  changed_login: z.string().nullable(),
  previous_value: z.string().nullable(),
});
export type Setting = z.output<typeof QueueSetting>;

export async function readQueueSettings(db: Database): Promise<Setting[]> {
  const rows = await db.query({
    text: `select name, value, changed_at, changed_by, changed_login, previous_value
           from triaged.queue_settings order by name desc`,
  });
  return rows.map((row) => QueueSetting.parse(row));
}

const SavedSetting = z.object({ outcome: z.enum(["changed", "unchanged", "kept"]) });

/**
 * Change one; with `onlyDefault`, unless somebody has before ("kept"). Throws 22023 for an unknown
 * name or a value that does not fit. Needs the rights of the owner.
 */
export async function saveQueueSetting(
  db: Database,
  { name, value, onlyDefault = false }: { name: string; value: string; onlyDefault?: boolean },
): Promise<z.output<typeof SavedSetting>["outcome"]> {
  const [row] = await db.query({
    text: "select triaged.save_setting($1, $2, $3) as outcome",
    values: [name, value, onlyDefault],
  });
  return SavedSetting.parse(row).outcome;
}

/** What an environment says otherwise than the database. */
type Differing = {
  readonly name: string;
  readonly variable: string;
  readonly given: number;
  readonly value: string;
};

export async function differingSettings(
  db: Database,
  { taskDays, historyDays }: Config["retention"],
): Promise<Differing[]> {
  const settings = await readQueueSettings(db);
  const here = [
    { name: "task_retention_days", variable: "TASK_RETENTION_DAYS", given: taskDays },
    { name: "history_retention_days", variable: "HISTORY_RETENTION_DAYS", given: historyDays },
  ];
  return here.flatMap(({ name, variable, given }) => {
    const value = settings.find((one) => one.name === name)?.value;
    return given === null || value === undefined || value === String(given)
      ? []
      : [{ name, variable, given, value }];
  });
}

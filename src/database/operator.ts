/** Verbs of people: on tasks, pauses and settings. They are described in queue.ts. */
import { z } from "zod";
import { toJson } from "../model/json.ts";
import type { Config } from "../settings/config.ts";
import { columnsOf, type Database } from "./database.ts";
import type { Queue } from "./queue.ts";
import { Pause, Setting } from "./rows.ts";

const CancelRow = z.object({ outcome: z.enum(["cancelled", "requested"]) });

export const cancelTask: Queue["cancelTask"] = async (db, taskId) => {
  const [row] = await db.query({
    text: "select triaged.cancel_task($1) as outcome",
    values: [taskId],
  });
  return CancelRow.parse(row).outcome;
};

export const retryTask: Queue["retryTask"] = async (db, taskId) => {
  await db.query({ text: "select triaged.retry_task($1)", values: [taskId] });
};

export const decideTask: Queue["decideTask"] = async (db, taskId, decision) => {
  await db.query({
    text: "select triaged.decide_task($1, $2::jsonb)",
    values: [taskId, toJson(decision)],
  });
};

export const endedTaskIds: Queue["endedTaskIds"] = async (db, filter) => {
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
};

export const pauseClaiming: Queue["pauseClaiming"] = async (db, { kind, name }) => {
  await db.query({
    text:
      kind === "queue" ? "select triaged.pause_queue($1)" : "select triaged.pause_task_type($1)",
    values: [name],
  });
};

export const resumeClaiming: Queue["resumeClaiming"] = async (db, { kind, name }) => {
  await db.query({
    text:
      kind === "queue" ? "select triaged.resume_queue($1)" : "select triaged.resume_task_type($1)",
    values: [name],
  });
};

export const listPauses: Queue["listPauses"] = async (db, limit) => {
  const rows = await db.query({
    text: `select ${columnsOf(Pause.shape)} from triaged.pauses order by kind, name limit $1`,
    values: [limit],
  });
  return rows.map((row) => Pause.parse(row));
};

export const pausableNames: Queue["pausableNames"] = async (db, kind) => {
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
};

export const readQueueSettings: Queue["readQueueSettings"] = async (db) => {
  const rows = await db.query({
    text: `select name, value, changed_at, changed_by, changed_login, previous_value
           from triaged.queue_settings order by name desc`,
  });
  return rows.map((row) => Setting.parse(row));
};

const SavedSetting = z.object({ outcome: z.enum(["changed", "unchanged", "kept"]) });

export const saveQueueSetting: Queue["saveQueueSetting"] = async (
  db,
  { name, value, onlyDefault = false },
) => {
  const [row] = await db.query({
    text: "select triaged.save_setting($1, $2, $3) as outcome",
    values: [name, value, onlyDefault],
  });
  return SavedSetting.parse(row).outcome;
};

/** A setting of which this environment says otherwise than the database, which counts. */
type Differing = {
  readonly name: string;
  readonly variable: string;
  readonly given: number;
  readonly value: string;
};

/** Compare the environment with readQueueSettings; what it leaves open differs in nothing. */
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

/** What waits for a person, as people work through it: the oldest first, failures by shape. */
import { z } from "zod";
import { columnsOf, type Database, IsoTime } from "./database.ts";
import { Count } from "./rows.ts";

/** Failed tasks that are put into groups: the newest. */
export const FAILURES_GROUPED_MAX = 1_000;
const GROUPS_MAX = 100;
/** Decisions of one page. */
const QUESTIONS_MAX = 50;

const Question = z.object({
  task_id: z.string(),
  task_type: z.string(),
  queue: z.string(),
  decision_prompt: z.string(),
  created_at: IsoTime,
  /** When its task asked; null: unknown. */
  started_at: IsoTime.nullable(),
});
/** A task that waits for a decision. */
export type Question = z.output<typeof Question>;

const PLACE = /^(\d{4}-[\dT:.-]{1,30}Z)_(\d{1,19})$/;
/** As `after` of a page: where the page before it ended. */
export const QuestionPlace = z.string().regex(PLACE);

/** Tasks that wait for a decision, the oldest first. `next` is null behind the last. */
export async function listQuestions(
  db: Database,
  after: string | undefined,
): Promise<{ readonly rows: Question[]; readonly next: string | null }> {
  const [, createdAt = null, taskId = null] = PLACE.exec(after ?? "") ?? [];
  const found = await db.query({
    text: `select ${columnsOf(Question.shape)}
           from triaged.tasks as task
           where status = 'needs_decision' and decision_prompt is not null
             and ($1::timestamptz is null or (task.created_at, task_id) > ($1, $2::bigint))
           order by task.created_at, task_id
           limit $3`,
    values: [createdAt, taskId, QUESTIONS_MAX],
  });
  const last = found.length < QUESTIONS_MAX ? undefined : found.at(-1);
  return {
    rows: found.map((row) => Question.parse(row)),
    // The time as the server wrote it: a Date would cut the microseconds.
    next: last === undefined ? null : `${String(last["created_at"])}_${String(last["task_id"])}`,
  };
}

const FailureGroup = z.object({
  task_type: z.string(),
  /** What SQL's error_shape makes of the errors; null where there are none. */
  shape: z.string().nullable(),
  count: Count,
  oldest_at: IsoTime,
  newest_at: IsoTime,
  /** The newest of them, at most three. */
  task_ids: z.array(z.string()),
});
/** Failed tasks of one type whose errors differ in numbers and ids alone. */
export type FailureGroup = z.output<typeof FailureGroup>;

/** Of the newest failed tasks the groups, the one with the oldest task first. */
export async function groupFailures(
  db: Database,
): Promise<{ readonly groups: FailureGroup[]; readonly isAll: boolean }> {
  const rows = await db.query({
    text: `with failed as materialized (
             select task_id, task_type, triaged.error_shape(error) as shape, ended_at
             from triaged.final_tasks
             where status = 'failed'
             order by ended_at desc
             limit $1
           )
           select ${columnsOf(FailureGroup.shape)},
             (select count(*)::integer from failed) as looked
           from (
             select task_type, shape, count(*) as count, min(ended_at) as oldest_at,
               max(ended_at) as newest_at,
               (array_agg(task_id::text order by ended_at desc))[1:3] as task_ids
             from failed
             group by task_type, shape
           ) as grouped
           order by grouped.oldest_at, task_type
           limit $2`,
    values: [FAILURES_GROUPED_MAX, GROUPS_MAX],
  });
  return {
    groups: rows.map((row) => FailureGroup.parse(row)),
    isAll: Number(rows[0]?.["looked"] ?? 0) < FAILURES_GROUPED_MAX,
  };
}

const Stuck = z.object({
  task_id: z.string(),
  task_type: z.string(),
  detail: z.string().nullable(),
  since: IsoTime,
});
export type StuckTask = z.output<typeof Stuck>;

/** Attempts that run for over an hour, the longest first; at most `limit`. */
export async function listStuck(db: Database, limit: number): Promise<StuckTask[]> {
  const rows = await db.query({
    text: `select ${columnsOf(Stuck.shape)} from triaged.attention as attention
           where reason = 'stuck' order by attention.since limit $1`,
    values: [limit],
  });
  return rows.map((row) => Stuck.parse(row));
}

const Cause = z.object({
  task_type: z.string(),
  cause: z.string(),
  /** Attempts that failed in the last 24 hours, and those of them that ended their task. */
  count: Count,
  ended: Count,
  last_at: IsoTime,
  last_task_id: z.string(),
});
export type FailureCause = z.output<typeof Cause>;

/** Why attempts failed in the last 24 hours, the commonest first; at most `limit`. */
export async function listFailureCauses(db: Database, limit: number): Promise<FailureCause[]> {
  const rows = await db.query({
    text: `select ${columnsOf(Cause.shape)} from triaged.failures_by_cause as failure
           order by failure.count desc, task_type, cause limit $1`,
    values: [limit],
  });
  return rows.map((row) => Cause.parse(row));
}

const FailedTask = z.object({ task_type: z.string(), shape: z.string().nullable() });

/** The type of a failed task, and the shape of its error; null where it is not failed now. */
export async function failureOf(
  db: Database,
  taskId: string,
): Promise<z.output<typeof FailedTask> | null> {
  const [row] = await db.query({
    text: `select task_type, triaged.error_shape(error) as shape
           from triaged.final_tasks where task_id = $1 and status = 'failed'`,
    values: [taskId],
  });
  return row === undefined ? null : FailedTask.parse(row);
}

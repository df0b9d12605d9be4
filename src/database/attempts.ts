/** One attempt from its claim to its end. The verbs are described in queue.ts. */
import type { ClaimedTask, TaskInput } from "../model/task.ts";
import { exactTime } from "./database.ts";
import type { Queue } from "./queue.ts";

const CLAIMED = `
  task_id as "taskId", task_type as "taskType", queue, priority,
  attempt_count as attempt, failure_count as "failureCount", max_attempts as "maxAttempts",
  ${exactTime("run_at")} as "runAt", parent_task_id as "parentTaskId",
  root_task_id as "rootTaskId", input.*`;

const INPUT = `
  claimed.payload::text as "payloadText", claimed.metadata::text as "metadataText",
  claimed.decision::text as "decisionText", claimed.error as "previousError"`;

/** Of JSON; four is common, and what shrinks more is written out for nothing at times. */
const COMPRESSION_RATIO = 8;

/**
 * The input of a claimed task, or nulls where it is longer than `bytesMax`. Input that is long
 * already as the row stores it is not unpacked and written out to measure it.
 */
function inputUpTo(bytesMax: string): string {
  return `left join lateral (
      select * from (
        select ${INPUT}
        where pg_column_size(claimed.payload) + pg_column_size(claimed.metadata)
          <= ${bytesMax}::integer
            / case when pg_column_compression(claimed.payload) is null then 1 else ${COMPRESSION_RATIO} end
        offset 0
      ) as input
      where octet_length("payloadText")::bigint + octet_length("metadataText")
        + coalesce(octet_length("decisionText"), 0) + coalesce(octet_length("previousError"), 0)
        <= ${bytesMax}
    ) as input on true`;
}

export const claimTasks: Queue["claimTasks"] = async (db, options) => {
  const { workerId, limit, lanes, inputBytesMax } = options;
  // The rows are those of our own function, so their shape is trusted.
  return await db.query<ClaimedTask>({
    name: "claim_tasks",
    text: `select ${CLAIMED}
      from triaged.claim_tasks($1, $2, $3, $4, $5, $6, $7) as claimed
      ${inputUpTo("$8")}`,
    values: [
      workerId,
      limit,
      lanes.map((lane) => lane.queue),
      lanes.map((lane) => lane.taskType),
      lanes.map((lane) => lane.priority),
      // No null: where array_nulls is off, it is a text as any other.
      lanes.map(({ after }) => after?.runAt ?? "-infinity"),
      lanes.map(({ after }) => after?.taskId ?? "0"),
      inputBytesMax,
    ],
  });
};

export const loadInput: Queue["loadInput"] = async (db, { taskId, attempt }) => {
  const [row] = await db.query<TaskInput>({
    name: "load_input",
    text: `select ${INPUT}
      from triaged.live_tasks as claimed
      where task_id = $1 and attempt_count = $2 and status = 'started'`,
    values: [taskId, attempt],
  });
  return row ?? null;
};

export const settleTasks: Queue["settleTasks"] = async (
  db,
  { outcomes, effects = null, count },
) => {
  const [row] = await db.query<{ count: number; taskIds: string[]; attempts: number[] }>(
    effects === null
      ? {
          name: "settle_tasks",
          text: `${SETTLED} from triaged.settle_tasks($1)`,
          values: [outcomes, count],
        }
      : {
          text: `${SETTLED} from triaged.settle_tasks_with_effects($1, $3)`,
          values: [outcomes, count, effects],
        },
  );
  if (row === undefined || row.count === 0) {
    return [];
  }
  return row.count === count
    ? "all"
    : row.taskIds.map((taskId, at) => ({ taskId, attempt: row.attempts[at] ?? 0 }));
};

/** One row: that all were settled is the answer to nearly every batch. */
const SETTLED = `select
  count(*)::integer as count,
  case when count(*) < $2 then array_agg(task_id) end as "taskIds",
  case when count(*) < $2 then array_agg(attempt) end as attempts`;

/** No task has the id 0. */
const NOTHING = '[{"task_id":0,"attempt":0,"outcome":"finish"}]';

export const settleNothing: Queue["settleNothing"] = async (db, { withEffects = false } = {}) => {
  await settleTasks(db, { outcomes: NOTHING, effects: withEffects ? "[]" : null, count: 1 });
};

export const reportProgress: Queue["reportProgress"] = async (
  db,
  { taskId, attempt },
  progress,
) => {
  const rows = await db.query<{ held: boolean }>({
    name: "report_progress",
    text: "select triaged.report_progress($1, $2, $3, $4) as held",
    values: [taskId, attempt, progress.percent, progress.step],
  });
  return rows[0]?.held === true;
};

import type { Queryable } from "../../../src/database/database.ts";
import type { Execution } from "../executions.ts";

/** A promise that was not kept, with the tasks that show it. */
export type Violation = { readonly rule: Rule; readonly taskIds: readonly string[] };

export const RULES = [
  ["lost", "a task whose enqueue was acknowledged has not ended, or is not there"],
  ["not drained", "a task is live though nothing kept it from ending"],
  ["recorded twice", "an attempt has two ends, or two claims, in task_history"],
  ["ended twice", "a task is there twice, or has several ends of itself in task_history"],
  ["wrong end", "the last event of a task is not the end that its row shows"],
  ["wrong result", "a task is finished with what another task or attempt returned"],
  ["enqueued twice", "a dedupe key made two tasks"],
  ["one attempt, two runs", "a handler ran twice for one attempt"],
  ["run without claim", "a handler ran for an attempt that task_history does not know"],
] as const;
export type Rule = (typeof RULES)[number][0];

/** The promise that the rule stands for, as it was broken. */
export function meaningOf(rule: Rule): string {
  return RULES.find(([name]) => name === rule)?.[1] ?? rule;
}

/** Statements that give the task_id of each violation; `$1` is what was acknowledged. */
const QUERIES: readonly (readonly [Rule, string])[] = [
  [
    "lost",
    `select task_id from unnest($1::bigint[]) as acknowledged (task_id)
     where not exists (
       select from triaged.final_tasks as ended where ended.task_id = acknowledged.task_id
     )`,
  ],
  ["not drained", "select task_id from triaged.live_tasks where $1::bigint[] is not null"],
  [
    "recorded twice",
    `select task_id from triaged.task_history
     where attempt_count > 0
       and $1::bigint[] is not null
     group by task_id, attempt_count
     having count(*) filter (where event = 'claim') > 1
       or count(*) filter (where status <> 'started' and event not in ('enqueue', 'replace')) > 1`,
  ],
  [
    "ended twice",
    `select task_id from triaged.tasks where $1::bigint[] is not null
     group by task_id having count(*) > 1
     union
     select task_id from triaged.task_history where status in ('finished', 'failed', 'cancelled')
     group by task_id having count(*) > 1`,
  ],
  [
    "wrong end",
    `select ended.task_id from triaged.final_tasks as ended
     left join (
       select distinct on (task_id) task_id, status, attempt_count
       from triaged.task_history order by task_id, history_id desc
     ) as last using (task_id)
     where $1::bigint[] is not null
       and (last.status, last.attempt_count)
         is distinct from (ended.status, ended.attempt_count)`,
  ],
  [
    "wrong result",
    `select task_id from triaged.final_tasks
     where $1::bigint[] is not null
       and status = 'finished'
       and task_type not in ('hostile', 'consumer_triage', 'change_notification')
       and result is distinct from
         jsonb_build_object('of', payload -> 'of', 'attempt', attempt_count)`,
  ],
  [
    "enqueued twice",
    `select max(task_id) from triaged.tasks
     where $1::bigint[] is not null and dedupe_key is not null
     group by dedupe_key having count(*) > 1`,
  ],
];

/** Look for everything in RULES, once all has come to rest. */
export async function findViolations(
  db: Queryable,
  seen: { acknowledged: readonly string[]; executions: readonly Execution[] },
): Promise<Violation[]> {
  const found: Violation[] = [];
  const add = (rule: Rule, taskIds: readonly string[]) => {
    if (taskIds.length > 0) {
      found.push({ rule, taskIds });
    }
  };
  for (const [rule, statement] of QUERIES) {
    const { rows } = await db.query<string[]>({
      text: statement,
      values: [seen.acknowledged],
      rowMode: "array",
    });
    add(
      rule,
      rows.map(([taskId]) => String(taskId)),
    );
  }
  add("one attempt, two runs", repeated(seen.executions));
  add("run without claim", await unknownRuns(db, seen.executions));
  return found;
}

function repeated(executions: readonly Execution[]): string[] {
  const runs = new Set<string>();
  return executions.flatMap(({ taskId, attempt }) => {
    const before = runs.size;
    return runs.add(`${taskId} ${attempt}`).size === before ? [taskId] : [];
  });
}

async function unknownRuns(db: Queryable, executions: readonly Execution[]): Promise<string[]> {
  const { rows } = await db.query<{ task_id: string }>(
    `select task_id from unnest($1::bigint[], $2::integer[]) as run (task_id, attempt_count)
     where not exists (
       select from triaged.task_history as claim
       where claim.task_id = run.task_id and claim.attempt_count = run.attempt_count
         and claim.event = 'claim'
     )`,
    [executions.map(({ taskId }) => taskId), executions.map(({ attempt }) => attempt)],
  );
  return rows.map(({ task_id }) => task_id);
}

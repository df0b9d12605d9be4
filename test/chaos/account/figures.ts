import type { Queryable } from "../../../src/database/database.ts";
import type { Execution } from "../executions.ts";

/** Tasks of the producers that want something done. */
const FRIENDLY = "task_type not in ('hostile', 'consumer_triage', 'change_notification')";

/** What became of the tasks of a run. */
export type Figures = {
  readonly finished: number;
  readonly failed: number;
  /** Of the friendly that failed, those that no failure of their own ended. */
  readonly failedByDeaths: number;
  /** Of the hostile, how many ended, by type and status. */
  readonly hostileEnds: Readonly<Record<string, number>>;
  readonly events: number;
  readonly rescues: number;
  /** Tasks whose handler ran again though no failure asked for it. */
  readonly executedAgain: number;
};

/** Count, once all has come to rest. */
export async function readFigures(
  db: Queryable,
  executions: readonly Execution[],
): Promise<Figures> {
  const { rows } = await db.query<
    Record<"finished" | "failed" | "deaths" | "events" | "rescues", string>
  >(
    `select
       (select count(*) from triaged.final_tasks where status = 'finished' and ${FRIENDLY}) as finished,
       (select count(*) from triaged.final_tasks where status = 'failed' and ${FRIENDLY}) as failed,
       (select count(*) from triaged.final_tasks
        where status = 'failed' and failure_count < max_attempts and ${FRIENDLY}) as deaths,
       (select count(*) from triaged.task_history) as events,
       (select count(*) from triaged.task_history where event = 'rescue') as rescues`,
  );
  const [counts] = rows;
  return {
    finished: Number(counts?.finished),
    failed: Number(counts?.failed),
    failedByDeaths: Number(counts?.deaths),
    hostileEnds: await readHostileEnds(db),
    events: Number(counts?.events),
    rescues: Number(counts?.rescues),
    executedAgain: await countExecutedAgain(db, executions),
  };
}

async function readHostileEnds(db: Queryable): Promise<Record<string, number>> {
  const { rows } = await db.query<{ end: string; count: number }>(
    `select task_type || ' ' || status as end, count(*)::integer as count from triaged.final_tasks
     where not (${FRIENDLY}) group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map(({ end, count }) => [end, count]));
}

async function countExecutedAgain(
  db: Queryable,
  executions: readonly Execution[],
): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `select count(*) from (
       select task_id, count(*) as runs from unnest($1::bigint[]) as run (task_id) group by task_id
     ) as executed
     left join (
       select task_id, count(*) as ends from triaged.task_history
       where event in ('finish', 'fail') group by task_id
     ) as recorded using (task_id)
     where runs > coalesce(ends, 0)`,
    [executions.map(({ taskId }) => taskId)],
  );
  return Number(rows[0]?.count);
}

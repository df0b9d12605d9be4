import { quantile } from "../../../bench/frame/statistics.ts";
import type { Queryable } from "../../../src/database/database.ts";

/** From kill -9 of a worker to the rescue of what it held, over all such tasks. */
export type RescueTimes = {
  readonly tasks: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
};

/** Apart by how a death shows: workers behind the pooler alone have only their lease. */
export type TimesByProof = { readonly sessionLock: RescueTimes; readonly leaseAlone: RescueTimes };

/** By the times in task_history; the server runs on the same machine as the kills. */
export async function readRescueTimes(
  db: Queryable,
  kills: readonly { pid: number; at: Date }[],
): Promise<TimesByProof> {
  const { rows } = await db.query<{ has_session_lock: boolean; ms: number }>(
    `select
       victim.has_session_lock,
       extract(epoch from rescue.at - kill.at)::double precision * 1000 as ms
     from unnest($1::integer[], $2::timestamptz[]) as kill (pid, at)
     join lateral (
       select worker_id, has_session_lock, ended_at from triaged.workers as worker
       where worker.pid = kill.pid and worker.started_at < kill.at
       order by worker_id desc
       limit 1
     ) as victim on victim.ended_at > kill.at
     join triaged.task_history as rescue
       on rescue.worker_id = victim.worker_id and rescue.event = 'rescue'`,
    [kills.map(({ pid }) => pid), kills.map(({ at }) => at)],
  );
  const timesOf = (hasLock: boolean) =>
    summarize(rows.filter((row) => row.has_session_lock === hasLock).map(({ ms }) => ms));
  return { sessionLock: timesOf(true), leaseAlone: timesOf(false) };
}

function summarize(times: readonly number[]): RescueTimes {
  const at = (q: number) => (times.length === 0 ? null : Math.round(quantile(times, q)));
  return { tasks: times.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

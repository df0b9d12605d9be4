/**
 * The jobs of processes that died. graphile-worker takes a job from a dead runner after
 * four hours. Here each runner holds an advisory lock in a session of its own: when the
 * process or the connection dies, the lock is free, and the next session of any process
 * gives the jobs back.
 */
import type { Database } from "../postgres/database.ts";
import { jobsSchemaOf } from "./jobs-schema.ts";

/**
 * Hold the runner's lock for as long as the session of `db` lives. Throws where somebody has it:
 * the id is made up anew at each start, so that nobody has it by chance.
 */
export async function holdRunnerLock(db: Database, runnerId: string): Promise<void> {
  const [row] = await db.query<{ had: boolean }>({
    text: "select pg_try_advisory_lock(triaged.lock_key('runner ' || $1, 0)) as had",
    values: [runnerId],
  });
  if (row?.had !== true) {
    throw Object.assign(new Error(`another session has the lock of runner ${runnerId}`), {
      code: "55P03",
    });
  }
}

/**
 * Give back the jobs of runners that nobody holds the lock of; resolves to how many runners
 * there were. A runner that took a job and does not hold its lock yet counts as dead: the job
 * runs twice then. A session whose role may not use the jobs is no runner: anybody who may
 * connect can take the lock when it becomes free.
 */
export async function unlockDeadRunners(db: Database): Promise<number> {
  const jobsSchema = jobsSchemaOf(db.schema);
  const [row] = await db.query<{ count: number }>({
    text: `with dead as materialized (
             select runner.id
             from (
               select distinct locked_by as id
               from ${jobsSchema}.jobs
               where locked_by is not null
             ) as runner
             where
               pg_try_advisory_xact_lock(triaged.lock_key('runner ' || runner.id, 0))
               or not exists (
                 select
                 from triaged.lock_holders(triaged.lock_key('runner ' || runner.id, 0)) as holder
                 join pg_roles on rolname = holder.role
                 where has_schema_privilege(pg_roles.oid, '${jobsSchema}', 'usage')
               )
           )
           select
             ${jobsSchema}.force_unlock_workers(array(select id from dead)),
             (select count(*)::integer from dead) as count`,
  });
  return row?.count ?? 0;
}

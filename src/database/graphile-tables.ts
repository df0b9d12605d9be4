/**
 * graphile-worker's own tables, as far as the jobs and doctor need them.
 *
 * It takes a job from a dead runner after four hours. Here each runner holds an advisory lock in a
 * session of its own: when the process or the connection dies, the lock is free, and the next
 * session of any process gives the jobs back.
 */
import { z } from "zod";
import { type Database, DEFAULT_SCHEMA, IsoTime, isoTime } from "./database.ts";
import { readStrangers } from "./roles/strangers.ts";

/** Longer names are cut by the server, which would make two schemas one. */
const NAME_LENGTH_MAX = 63;
const SUFFIX = "_jobs";

/**
 * Where graphile-worker keeps its jobs: in `graphile_worker`, or beside a queue of another
 * name in a schema of its own, since two queues in one database must not share jobs.
 */
export function jobsSchemaOf(schema: string): string {
  return schema === DEFAULT_SCHEMA
    ? "graphile_worker"
    : schema.slice(0, NAME_LENGTH_MAX - SUFFIX.length) + SUFFIX;
}

/** Whether a later version has changed the schema since, so that this one cannot go on. */
export async function watchMigrations(db: Database): Promise<() => Promise<boolean>> {
  const newest = async () => {
    const [row] = await db.query<{ id: number | null }>({
      text: `select max(id) as id from ${jobsSchemaOf(db.schema)}.migrations where breaking`,
    });
    return row?.id ?? 0;
  };
  const known = await newest();
  return async () => (await newest()) > known;
}

/**
 * Hold the runner's lock for as long as the session of `db` lives. Throws where another session has
 * it: the id is made up anew at each start, so that none has it by chance.
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
 * Release the jobs of runners whose lock nobody holds; resolves to how many runners
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

const JobsSchemaAccess = z.object({
  may_use: z.boolean(),
  may_read: z.boolean(),
});

const KnownJob = z.object({
  name: z.string(),
  known_since: IsoTime,
  last_run_at: IsoTime.nullable(),
});
const FailingJob = z.object({ name: z.string(), attempts: z.coerce.number(), error: z.string() });

/** What graphile-worker has recorded of the runs of our jobs. */
export type JobRuns = {
  /** Jobs that some process has scheduled. */
  readonly known: readonly z.output<typeof KnownJob>[];
  /** Jobs that failed and wait for another try, or have none left. */
  readonly failing: readonly z.output<typeof FailingJob>[];
  /** The time of the server. */
  readonly now: Date;
};

/** Whose the tables are, where a look at them would run what a stranger wrote. */
export type ForeignJobsSchema = { readonly schema: string; readonly strangers: readonly string[] };

/** Read it; "none" where `triaged jobs` never ran, "hidden" where this user may not look. */
export async function readJobRuns(
  db: Database,
): Promise<JobRuns | ForeignJobsSchema | "none" | "hidden"> {
  const schema = jobsSchemaOf(db.schema);
  const strangers = await readStrangers(db, { schema, trustsQueueOwner: true });
  if (strangers.length > 0) {
    return { schema, strangers };
  }
  const [row] = await db.query({ text: JOBS_SCHEMA_ACCESS_SQL, values: [schema] });
  if (row === undefined) {
    return "none";
  }
  const { may_use, may_read } = JobsSchemaAccess.parse(row);
  if (!may_use || !may_read) {
    return (await readShownJobRuns(db)) ?? "hidden";
  }
  const known = await db.query({
    text: `select identifier as name, ${isoTime("known_since")},
             ${isoTime("last_execution", "last_run_at")}
           from ${schema}._private_known_crontabs`,
  });
  const failing = await db.query({
    text: `select task_identifier as name, attempts, left(last_error, 200) as error
           from ${schema}.jobs
           where last_error is not null
           order by task_identifier`,
  });
  const [clock] = await db.query({ text: `select ${isoTime("clock_timestamp()", "now")}` });
  return {
    known: known.map((one) => KnownJob.parse(one)),
    failing: failing.map((one) => FailingJob.parse(one)),
    now: z.object({ now: IsoTime }).parse(clock).now,
  };
}

const ShownInstant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const ShownJobRuns = z.object({
  known: z.array(
    z.object({
      name: z.string(),
      known_since: ShownInstant,
      last_run_at: ShownInstant.nullable(),
    }),
  ),
  failing: z.array(FailingJob),
});

/** The same for whoever may not read the tables, by a function of the queue's owner. */
async function readShownJobRuns(db: Database): Promise<JobRuns | null> {
  const [row] = await db.query({
    text: `select triaged.maintenance_runs() as runs, ${isoTime("clock_timestamp()", "now")}`,
  });
  const { runs, now } = z.object({ runs: ShownJobRuns.nullable(), now: IsoTime }).parse(row);
  return runs === null ? null : { ...runs, now };
}

/** Asked of the catalog: to a role that policies leave out, the tables show no rows. */
const JOBS_SCHEMA_ACCESS_SQL = `
  select
    has_schema_privilege(pg_namespace.oid, 'usage') as may_use,
    has_table_privilege(pg_class.oid, 'select') and not row_security_active(pg_class.oid)
      as may_read
  from pg_namespace
  join pg_class on relnamespace = pg_namespace.oid and relname = '_private_known_crontabs'
  where nspname = $1`;

/**
 * Tables of other queues, as `triaged import` reads them: graphile-worker's, pg-boss's, and those of
 * the older orchestrator. `db` is a transaction in their database. Nothing is written.
 */
import { z } from "zod";
import type { Database } from "./database.ts";
import { jobsSchemaOf } from "./graphile-tables.ts";

/** Of a task of the older orchestrator, the newest. */
const HISTORY_ROWS_MAX = 50;

const FOREIGN_SYSTEMS = ["graphile-worker", "pg-boss", "orchestrator"] as const;
export type ForeignSystem = (typeof FOREIGN_SYSTEMS)[number];

/** A queue of another system, and the schema of its tables as a quoted name. */
export type ForeignQueue = { readonly system: ForeignSystem; readonly schema: string };

type Tables = {
  /** A table that it has, and a column that tells the table from others of that name. */
  readonly table: string;
  readonly column: string;
  /** One row of JSON text, `record`, for each task, the oldest first. */
  readonly select: (schema: string) => string;
};

const TABLES: Readonly<Record<ForeignSystem, Tables>> = {
  "graphile-worker": {
    table: "_private_jobs",
    column: "locked_at",
    select: (schema) => `
      select (to_jsonb(job) || jsonb_build_object('identifier', task.identifier,
        'serial_queue', serial.queue_name))::text as record
      from ${schema}._private_jobs as job
      join ${schema}._private_tasks as task on task.id = job.task_id
      left join ${schema}._private_job_queues as serial on serial.id = job.job_queue_id
      order by job.id`,
  },
  "pg-boss": {
    table: "job",
    column: "singleton_key",
    select: (schema) => `
      select to_jsonb(job)::text as record
      from ${schema}.job as job
      where not starts_with(job.name, '__pgboss__')
      order by job.created_on, job.id`,
  },
  orchestrator: {
    table: "tasks",
    column: "skill_name",
    select: (schema) => `
      select (to_jsonb(task) || jsonb_build_object('history', (
        select jsonb_agg(to_jsonb(past) order by past.id)
        from (
          select each.* from ${schema}.task_history as each
          where each.task_id = task.task_id
          order by each.id desc limit ${HISTORY_ROWS_MAX}
        ) as past
      )))::text as record
      from ${schema}.tasks as task
      order by task.created_at, task.task_id`,
  },
};

const QueueRow = z.object({
  system: z.enum(FOREIGN_SYSTEMS),
  schema: z.string(),
  bare: z.string(),
});

/** The queues that have tables in this database; not the jobs of a triaged that is in it. */
export async function findForeignQueues(db: Database): Promise<ForeignQueue[]> {
  const tables = FOREIGN_SYSTEMS.map((system) => TABLES[system]);
  const rows = await db.query({
    text: `
      select
        known.system,
        quote_ident(pg_namespace.nspname) as schema,
        pg_namespace.nspname as bare
      from unnest($1::text[], $2::text[], $3::text[]) as known (system, "table", "column")
      join pg_class on pg_class.relname = known."table" and pg_class.relkind in ('r', 'p')
      join pg_namespace on pg_namespace.oid = pg_class.relnamespace
      join pg_attribute
        on pg_attribute.attrelid = pg_class.oid
        and pg_attribute.attname = known."column"
        and not pg_attribute.attisdropped
      order by known.system, pg_namespace.nspname`,
    values: [FOREIGN_SYSTEMS, tables.map(({ table }) => table), tables.map(({ column }) => column)],
  });
  const ours = await db.query<{ schema: string }>({
    text: `select pg_namespace.nspname as schema
      from pg_class
      join pg_namespace on pg_namespace.oid = pg_class.relnamespace
      where pg_class.relname = 'live_tasks'`,
  });
  const jobs = new Set(ours.map(({ schema }) => jobsSchemaOf(schema)));
  return rows
    .map((row) => QueueRow.parse(row))
    .filter(({ bare }) => !jobs.has(bare))
    .map(({ system, schema }) => ({ system, schema }));
}

/** Its tasks as JSON texts, the oldest first, at most `limit`. */
export async function readForeignRecords(
  db: Database,
  { system, schema }: ForeignQueue,
  limit: number,
): Promise<readonly string[]> {
  const rows = await db.query<{ record: string }>({
    text: `select read.record from (${TABLES[system].select(schema)}) as read limit $1`,
    values: [limit],
  });
  return rows.map(({ record }) => record);
}

const PgBossSchedule = z.object({
  name: z.string(),
  /** Several of one queue, from version 11 on. */
  key: z.string().optional(),
  cron: z.string(),
  timezone: z.string().nullish(),
  data: z.unknown(),
});
export type PgBossSchedule = z.output<typeof PgBossSchedule>;

export async function readPgBossSchedules(
  db: Database,
  schema: string,
): Promise<readonly PgBossSchedule[]> {
  const rows = await db.query({
    text: `select schedule.* from ${schema}.schedule as schedule order by schedule.name, schedule.cron`,
  });
  return rows.map((row) => PgBossSchedule.parse(row));
}

const Json = z.record(z.string(), z.unknown());
const OlderRepository = z.object({
  repo_name: z.string(),
  repo_type: z.string().nullable(),
  metadata: Json.nullable(),
});
export type OlderRepository = z.output<typeof OlderRepository>;

/** Null: that orchestrator kept its relationships in a file. */
export async function readOlderRepositories(
  db: Database,
  schema: string,
): Promise<readonly OlderRepository[] | null> {
  const [found] = await db.query<{ is_there: boolean }>({
    text: "select to_regclass($1 || '.dependency_relationships') is not null as is_there",
    values: [schema],
  });
  if (found?.is_there !== true) return null;
  const rows = await db.query({
    text: `select repo_name, repo_type, metadata from ${schema}.repositories order by repo_name`,
  });
  return rows.map((row) => OlderRepository.parse(row));
}

const OlderRelationship = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.string(),
  config: Json,
});
export type OlderRelationship = z.output<typeof OlderRelationship>;

/** With what `configColumns` and the metadata say of each as one object. */
export async function readOlderRelationships(
  db: Database,
  schema: string,
  configColumns: readonly string[],
): Promise<readonly OlderRelationship[]> {
  const rows = await db.query({
    text: `select source.repo_name as source_repo, target.repo_name as target_repo,
        related.relationship_type,
        coalesce(related.metadata, '{}') || coalesce((
          select jsonb_object_agg(stated.key, stated.value)
          from jsonb_each(to_jsonb(related)) as stated
          where stated.key = any ($1::text[]) and stated.value <> 'null'
        ), '{}') as config
      from ${schema}.dependency_relationships as related
      join ${schema}.repositories as source on source.id = related.source_repo_id
      join ${schema}.repositories as target on target.id = related.target_repo_id
      order by 1, 2, 3`,
    values: [configColumns],
  });
  return rows.map((row) => OlderRelationship.parse(row));
}

/** Doctor's questions about the server, each with the shape of its answer. */
import { z } from "zod";
import type { Database } from "./database.ts";
import { Count } from "./rows.ts";

const ServerFacts = z.object({
  version: z.string(),
  version_number: Count,
  is_standby: z.boolean(),
  /** Whether this role may enqueue. */
  may_enqueue: z.boolean(),
  fsync: z.string(),
  full_page_writes: z.string(),
  synchronous_commit: z.string(),
  track_activities: z.string(),
  idle_in_transaction_session_timeout: z.string(),
  session_replication_role: z.string(),
});
export type ServerFacts = z.output<typeof ServerFacts>;

const SERVER_FACTS_SQL = `
  select
    current_setting('server_version') as version,
    current_setting('server_version_num') as version_number,
    pg_is_in_recovery() as is_standby,
    coalesce(
      has_function_privilege(to_regprocedure('triaged.enqueue_tasks(jsonb)'), 'execute'), false
    ) as may_enqueue,
    current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('track_activities') as track_activities,
    current_setting('idle_in_transaction_session_timeout') as idle_in_transaction_session_timeout,
    current_setting('session_replication_role') as session_replication_role`;

export async function readServerFacts(db: Database): Promise<ServerFacts> {
  const [row] = await db.query({ text: SERVER_FACTS_SQL });
  return ServerFacts.parse(row);
}

const ArchiveFacts = z.object({
  /** Null: the server archives nothing. */
  mode: z.enum(["on", "always"]).nullable(),
  failed_count: Count,
  last_archived_at: z.date().nullable(),
  last_failed_at: z.date().nullable(),
  last_failed_wal: z.string().nullable(),
  now: z.date(),
});
export type ArchiveFacts = z.output<typeof ArchiveFacts>;

/** How the archive of WAL fares; for whoever may look. */
export async function readArchiveFacts(db: Database): Promise<ArchiveFacts> {
  const [row] = await db.query({
    text: `select
             nullif(current_setting('archive_mode'), 'off') as mode,
             failed_count, last_archived_time as last_archived_at,
             last_failed_time as last_failed_at, last_failed_wal, clock_timestamp() as now
           from pg_stat_archiver`,
  });
  return ArchiveFacts.parse(row);
}

/** In milliseconds; 0 is without a limit. */
const SettingFacts = z.object({
  default_transaction_read_only: z.boolean(),
  statement_timeout: Count,
  lock_timeout: Count,
  idle_in_transaction_session_timeout: Count,
  transaction_timeout: Count,
});
export type SettingFacts = z.output<typeof SettingFacts>;

/** As the session began: this look around has timeouts of its own. */
const SETTING_FACTS_SQL = `
  select
    coalesce(bool_or(reset_val = 'on') filter (where name = 'default_transaction_read_only'), false)
      as default_transaction_read_only,
    coalesce(max(reset_val) filter (where name = 'statement_timeout'), '0') as statement_timeout,
    coalesce(max(reset_val) filter (where name = 'lock_timeout'), '0') as lock_timeout,
    coalesce(max(reset_val) filter (where name = 'idle_in_transaction_session_timeout'), '0')
      as idle_in_transaction_session_timeout,
    -- Since 17.
    coalesce(max(reset_val) filter (where name = 'transaction_timeout'), '0')
      as transaction_timeout
  from pg_settings`;

export async function readSettingFacts(db: Database): Promise<SettingFacts> {
  const [row] = await db.query({ text: SETTING_FACTS_SQL });
  return SettingFacts.parse(row);
}

const ConnectionFacts = z.object({
  max_connections: Count,
  reserved: Count,
  /** Sessions of clients, on the whole server. */
  in_use: Count,
  workers_alive: Count,
});
export type ConnectionFacts = z.output<typeof ConnectionFacts>;

/** Counted by database: pg_stat_activity hides from most roles what a session is. */
const CONNECTION_FACTS_SQL = `
  select
    current_setting('max_connections') as max_connections,
    current_setting('superuser_reserved_connections')::integer
      + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved,
    (select sum(numbackends) from pg_stat_database) as in_use,
    (
      select count(*) from triaged.workers
      where ended_at is null and kind = 'native' and heartbeat_at >= triaged.now() - lease
    ) as workers_alive`;

export async function readConnectionFacts(db: Database): Promise<ConnectionFacts> {
  const [row] = await db.query({ text: CONNECTION_FACTS_SQL });
  return ConnectionFacts.parse(row);
}

const LockTableFacts = z.object({
  max_locks_per_transaction: Count,
  /** max_connections and max_prepared_transactions: each adds so many locks to what fits. */
  sessions: Count,
  /** Locks of a query without bounds: of each partition, the table and its indexes. */
  of_query: Count,
  partitions: Count,
  workers_alive: Count,
});
export type LockTableFacts = z.output<typeof LockTableFacts>;

/** The larger of the two tables counts: a query reads one of them without bounds, as a rule. */
const LOCK_TABLE_FACTS_SQL = `
  select
    current_setting('max_locks_per_transaction') as max_locks_per_transaction,
    current_setting('max_connections')::bigint
      + current_setting('max_prepared_transactions')::bigint as sessions,
    largest.of_query,
    largest.partitions,
    (
      select count(*) from triaged.workers
      where ended_at is null and kind = 'native' and heartbeat_at >= triaged.now() - lease
    ) as workers_alive
  from (
    select
      count(distinct part.inhrelid) as partitions,
      count(distinct part.inhrelid) + count(part_index.indexrelid) + 1 + (
        select count(*) from pg_index where indrelid = part.inhparent
      ) as of_query
    from pg_inherits as part
    left join pg_index as part_index on part_index.indrelid = part.inhrelid
    where part.inhparent in ('triaged.final_tasks'::regclass, 'triaged.task_history'::regclass)
    group by part.inhparent
    order by of_query desc
    limit 1
  ) as largest`;

export async function readLockTableFacts(db: Database): Promise<LockTableFacts> {
  const [row] = await db.query({ text: LOCK_TABLE_FACTS_SQL });
  return LockTableFacts.parse(row);
}

const AutovacuumFacts = z.object({
  autovacuum: z.string(),
  track_counts: z.string(),
  /** Tables of ours that have it switched off. */
  without: z.array(z.string()),
});
export type AutovacuumFacts = z.output<typeof AutovacuumFacts>;
const DeadRowFacts = z.object({ table_name: z.string(), live: Count, dead: Count });
export type DeadRowFacts = z.output<typeof DeadRowFacts>;

const AUTOVACUUM_FACTS_SQL = `
  select
    current_setting('autovacuum') as autovacuum,
    current_setting('track_counts') as track_counts,
    array(
      select pg_class.oid::regclass::text
      from pg_class
      cross join lateral pg_options_to_table(reloptions)
      where
        relnamespace = $1::regnamespace
        and option_name = 'autovacuum_enabled' and not option_value::boolean
      order by 1
      limit 10
    ) as without`;

export async function readAutovacuumFacts(db: Database): Promise<AutovacuumFacts> {
  const [row] = await db.query({ text: AUTOVACUUM_FACTS_SQL, values: [db.schema] });
  return AutovacuumFacts.parse(row);
}

const DEAD_ROW_FACTS_SQL = `
  select relname as table_name, n_live_tup as live, n_dead_tup as dead
  from pg_stat_all_tables
  where schemaname = $1 and relname = any ($2)
  order by array_position($2, relname::text)`;

/** In the order of `tables`. */
export async function readDeadRowFacts(
  db: Database,
  tables: readonly string[],
): Promise<DeadRowFacts[]> {
  const rows = await db.query({ text: DEAD_ROW_FACTS_SQL, values: [db.schema, tables] });
  return rows.map((row) => DeadRowFacts.parse(row));
}

const SnapshotHolder = z.object({
  kind: z.enum(["session", "prepared", "slot"]),
  pid: z.int().nullable(),
  /** User and application, name of the prepared transaction, name of the slot. */
  name: z.string(),
  state: z.string().nullable(),
  query: z.string().nullable(),
  age_seconds: Count.nullable(),
  /** Transactions that began since. */
  transactions: Count,
});
export type SnapshotHolder = z.output<typeof SnapshotHolder>;

/** Sessions of this database alone: those of others do not hold back its tables. */
const SNAPSHOT_HOLDERS_SQL = `
  select kind, pid, name, state, query, age_seconds, transactions
  from (
    select
      'session' as kind,
      pid,
      concat_ws(' ', coalesce(usename, backend_type), nullif(application_name, '')) as name,
      state,
      left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), $1) as query,
      extract(epoch from clock_timestamp() - xact_start) as age_seconds,
      greatest(age(backend_xid), age(backend_xmin)) as transactions
    from pg_stat_activity
    where
      (backend_xid is not null or backend_xmin is not null)
      and (datname = current_database() or datname is null)
      and pid <> pg_backend_pid() and backend_type <> 'autovacuum worker'
      -- One that is only starting is gone in a moment, or is in the database that it wants.
      and state is distinct from 'starting'
    union all
    select 'prepared', null, gid, null, null,
      extract(epoch from clock_timestamp() - prepared), age(transaction)
    from pg_prepared_xacts
    where database = current_database()
    union all
    select 'slot', active_pid, slot_name, case when active then 'active' else 'inactive' end, null,
      null, greatest(age(xmin), age(catalog_xmin))
    from pg_replication_slots
    -- A logical one holds back the vacuum of catalogs, and keeps the log as well.
    where xmin is not null or catalog_xmin is not null
  ) as holder
  order by transactions desc, age_seconds desc nulls last
  limit $2`;

/** Whatever keeps vacuum from dead rows, oldest first; queries are cut at `queryLengthMax`. */
export async function readSnapshotHolders(
  db: Database,
  { queryLengthMax, limit }: { queryLengthMax: number; limit: number },
): Promise<SnapshotHolder[]> {
  const rows = await db.query({ text: SNAPSHOT_HOLDERS_SQL, values: [queryLengthMax, limit] });
  return rows.map((row) => SnapshotHolder.parse(row));
}

/** How many sessions of this database show this user nothing of what they do. */
export async function countHiddenSessions(db: Database): Promise<number> {
  const [row] = await db.query({
    text: `select count(*) as sessions
           from pg_stat_activity
           where datname = current_database() and query = '<insufficient privilege>'`,
  });
  return z.object({ sessions: Count }).parse(row).sessions;
}

const PublicationFacts = z.object({
  /** Publications that send something of ours. */
  publications: z.array(z.string()),
  /** Whether the server's log can be decoded at all. */
  is_decoded: z.boolean(),
  /** As `table (publication p)`: its updates and deletes are refused. */
  refused: z.array(z.string()),
  /** Publications of all tables, or of the whole schema. */
  whole: z.array(z.string()),
});
export type PublicationFacts = z.output<typeof PublicationFacts>;

/** A whole word of a filter. No literal of SQL: there a setting decides what a backslash means. */
const IS_WORD = String.raw`\m%s\M`;

/** The columns that identify a row of each table, against those that its publications send. */
const PUBLICATION_FACTS_SQL = `
  with published as (
    select
      shown.pubname, shown.tablename, shown.attnames, shown.rowfilter,
      (publication.pubupdate or publication.pubdelete) as sends_changes,
      (
        publication.puballtables
        or exists (
          select from pg_publication_namespace as part
          where part.pnpubid = publication.oid and part.pnnspid = $1::text::regnamespace
        )
      ) as is_whole,
      ours.oid as table_id, ours.relreplident as identity
    from pg_publication_tables as shown
    join pg_publication as publication on publication.pubname = shown.pubname
    join pg_class as ours
      on ours.relname = shown.tablename and ours.relnamespace = $1::text::regnamespace
    where shown.schemaname = $1::text
  ),
  named_by as (
    select
      published.*,
      case identity
        when 'n' then null
        when 'f' then array(
          select attname from pg_attribute
          where attrelid = table_id and attnum > 0 and not attisdropped
        )
        else (
          select array_agg(attname)
          from pg_index
          join pg_attribute on attrelid = table_id and attnum = any (indkey)
          where indrelid = table_id and case identity when 'd' then indisprimary else indisreplident end
        )
      end as identity_columns
    from published
    where sends_changes
  ),
  refused as (
    select distinct format('%s (publication %s)', tablename, pubname) as line
    from named_by
    where
      identity_columns is null
      or not identity_columns <@ attnames
      or exists (
        select from pg_attribute
        where
          attrelid = table_id and attnum > 0 and not attisdropped
          and attname <> all (identity_columns)
          and regexp_replace(rowfilter, '''[^'']*''', '', 'g') ~ format($2, attname)
      )
  )
  select
    array(select distinct pubname::text from published order by 1 limit $3) as publications,
    current_setting('wal_level') = 'logical' as is_decoded,
    array(select line from refused order by 1 limit $3) as refused,
    array(
      select distinct pubname::text from published where is_whole order by 1 limit $3
    ) as whole`;

/** At most `limit` of each list. */
export async function readPublicationFacts(
  db: Database,
  { limit }: { limit: number },
): Promise<PublicationFacts> {
  const [row] = await db.query({
    text: PUBLICATION_FACTS_SQL,
    values: [db.schema, IS_WORD, limit],
  });
  return PublicationFacts.parse(row);
}

/** How full the room for notifications is, 0 to 1. */
export async function readNotificationUsage(db: Database): Promise<number> {
  const [row] = await db.query({ text: "select pg_notification_queue_usage() as used" });
  return z.object({ used: Count }).parse(row).used;
}

/** The server's clock, in milliseconds since 1970. */
export async function readServerClock(db: Database): Promise<number> {
  const [row] = await db.query({
    text: "select extract(epoch from clock_timestamp()) * 1000 as at_ms",
  });
  return z.object({ at_ms: Count }).parse(row).at_ms;
}

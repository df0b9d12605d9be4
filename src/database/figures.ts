/** What metrics ask of the database, beside what people ask: nothing that reads tasks. */
import { z } from "zod";
import { type Database, isoTime } from "./database.ts";
import { Count } from "./rows.ts";

/** Since and kept: counts of whole hours, of which the second are also within the later bound. */
const Total = z.object({ labels: z.array(z.string()), since: Count, kept: Count });
export type RollupTotal = z.output<typeof Total>;

const RollupTotals = z.object({
  kept_from: z.string(),
  transitions: z.array(Total),
  ended: z.array(Total),
  failures: z.array(Total),
});
export type RollupTotals = z.output<typeof RollupTotals>;

/** The sums of one table of rollups, as a JSON array. */
function totalsOf(table: string, labels: string, count: string): string {
  return `(
    select coalesce(jsonb_agg(jsonb_build_object(
      'labels', labels, 'since', since, 'kept', kept)), '[]')
    from (
      select
        array[${labels}] as labels,
        sum(${count}) as since,
        coalesce(sum(${count}) filter (where starts_at >= bound.kept_from), 0) as kept
      from triaged.${table}, bound
      where span = 'hour' and starts_at >= bound.since
      group by 1
    ) as total
  )`;
}

const ROLLUP_TOTALS_SQL = `
  with bound as materialized (
    select
      coalesce($1::timestamptz, date_trunc('hour', triaged.now(), 'UTC') - interval '1 hour')
        as since,
      greatest(
        $1::timestamptz, date_trunc('hour', triaged.now(), 'UTC') - interval '24 hours'
      ) as kept_from
  )
  select
    (select ${isoTime("coalesce(greatest(since, kept_from), since)", "kept_from")} from bound),
    ${totalsOf("event_rollups", "event", "count")} as transitions,
    ${totalsOf("ended_rollups", "task_type, status", "count")} as ended,
    ${totalsOf("failure_rollups", "task_type, cause", "count")} as failures`;

/**
 * How often each transition, end and cause of failure is in the rollups of the hours since `since`,
 * an hour's begin; null: since an hour ago. `kept_from` is the next `since`, a day ago at most.
 */
export async function readRollupTotals(db: Database, since: string | null): Promise<RollupTotals> {
  const [row] = await db.query({ text: ROLLUP_TOTALS_SQL, values: [since] });
  return RollupTotals.parse(row);
}

const StorageFigures = z.object({
  database_bytes: Count,
  effects_pending: Count,
  standbys: z.array(
    z.object({ standby: z.string(), lag_seconds: Count.nullable(), lag_bytes: Count.nullable() }),
  ),
});
export type StorageFigures = z.output<typeof StorageFigures>;

/** The columns of a standby are empty for who may not see them (pg_read_all_stats). */
const STORAGE_FIGURES_SQL = `
  select
    pg_database_size(current_database()) as database_bytes,
    (
      select count(*)
      from (select from triaged.effects where status = 'pending' limit $1) as pending
    ) as effects_pending,
    (
      select coalesce(jsonb_agg(standby), '[]')
      from (
        select
          application_name as standby,
          -- Empty where it has caught up, for want of anything to measure by.
          extract(epoch from coalesce(replay_lag, interval '0')) as lag_seconds,
          pg_wal_lsn_diff(
            case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
            replay_lsn
          ) as lag_bytes
        from pg_stat_replication
        where replay_lsn is not null
        order by application_name, pid
        limit $2
      ) as standby
    ) as standbys`;

/** Counts at most `effectsMax` effects, and tells of at most `standbysMax` standbys. */
export async function readStorageFigures(
  db: Database,
  { effectsMax, standbysMax }: { readonly effectsMax: number; readonly standbysMax: number },
): Promise<StorageFigures> {
  const [row] = await db.query({ text: STORAGE_FIGURES_SQL, values: [effectsMax, standbysMax] });
  return StorageFigures.parse(row);
}

import { z } from "zod";
import { error, type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** The jobs make seven; what is below has missed many of their runs. */
const DAYS_AHEAD_MIN = 2;
/** Further ahead, and more stray rows, are not counted. */
const DAYS_SEEN_MAX = 30;
const ROWS_COUNTED_MAX = 1_000;

const Partitions = z.object({
  table_name: z.string(),
  /** Days after today without a gap; -1 where today has none. */
  days_ahead: Count,
  /** Rows in the default partition. */
  stray_rows: Count,
});

/** Whether the rows of the next days have a place of their own. */
export const partitionsProbe: Probe = {
  subject: "partitions",
  async look({ db }) {
    const rows = await db.query({ text: PARTITIONS, values: [DAYS_SEEN_MAX, ROWS_COUNTED_MAX] });
    return rows.map((row) => judgePartitions(Partitions.parse(row)));
  },
};

export function judgePartitions(facts: z.output<typeof Partitions>): Finding {
  const { table_name, days_ahead, stray_rows } = facts;
  const stray = stray_rows === 0 ? "" : `, ${stray_rows} rows in the default partition`;
  const advice = "is `triaged jobs` running? For now: triaged migrate";
  if (days_ahead < 0) {
    return error("partitions", `${table_name} has none for today${stray}`, advice);
  }
  const found = `${table_name} has them ${days_ahead} days ahead${stray}`;
  return days_ahead < DAYS_AHEAD_MIN || stray_rows > 0
    ? warning("partitions", found, advice)
    : ok("partitions", found);
}

const PARTITIONS = `
  select
    parent.table_name,
    coalesce(
      (
        select min(ahead) - 1
        from generate_series(0, $1::integer) as ahead
        where not exists (
          select
          from pg_inherits
          join pg_class on pg_class.oid = inhrelid
          where
            inhparent = parent.id
            and relname = parent.table_name || to_char(
              (triaged.now() at time zone 'UTC')::date + ahead, '_YYYYMMDD'
            )
        )
      ),
      $1
    ) as days_ahead,
    parent.stray_rows
  from (
    select 'final_tasks' as table_name, 'triaged.final_tasks'::regclass as id, (
      select count(*) from (select from triaged.final_tasks_default limit $2) as stray
    ) as stray_rows
    union all
    select 'task_history', 'triaged.task_history'::regclass, (
      select count(*) from (select from triaged.task_history_default limit $2) as stray
    )
  ) as parent`;

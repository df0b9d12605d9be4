import { z } from "zod";
import { counted } from "../counted.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** The jobs make seven; what is below has missed many of their runs. */
const DAYS_AHEAD_MIN = 2;
/** Further ahead, and more stray rows, are not counted. */
const DAYS_SEEN_MAX = 30;
const ROWS_COUNTED_MAX = 1_000;

const Partitions = z.object({
  table_name: z.string(),
  has_today: z.boolean(),
  /** Days after today without a gap. */
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
  const { table_name, has_today, days_ahead, stray_rows } = facts;
  const count = stray_rows > ROWS_COUNTED_MAX ? `over ${ROWS_COUNTED_MAX}` : stray_rows;
  const stray = stray_rows === 0 ? "" : `, ${counted(count, "row")} in the default partition`;
  const advice = "is `triaged jobs` running? For now: triaged migrate";
  if (!has_today) {
    const found = `${table_name} has none for today${stray}`;
    // More than can be moved under a lock stay where they are while others come in.
    return days_ahead >= DAYS_AHEAD_MIN && stray_rows > ROWS_COUNTED_MAX
      ? warning("partitions", found, "none is lost; `triaged jobs` moves them when the day is over")
      : error("partitions", found, advice);
  }
  const found = `${table_name} has them ${counted(days_ahead, "day")} ahead${stray}`;
  return days_ahead < DAYS_AHEAD_MIN || stray_rows > 0
    ? warning("partitions", found, advice)
    : ok("partitions", found);
}

/** One more row is counted than is told, to tell that there are more. */
const PARTITIONS = `
  with missing as (
    select both_of.table_name, ahead
    from (values ('final_tasks'), ('task_history')) as both_of (table_name)
    cross join generate_series(0, $1::integer) as ahead
    cross join lateral (
      select date_trunc('day', triaged.now(), 'UTC') + ahead * interval '24 hours' as starts_at
    ) as day
    where not exists (
      select from triaged.partitions as known
      where
        known.table_name = both_of.table_name
        and known.starts_at <= day.starts_at
        and known.ends_at > day.starts_at
    )
  )
  select
    parent.table_name,
    not exists (
      select from missing where missing.table_name = parent.table_name and ahead = 0
    ) as has_today,
    coalesce(
      (
        select min(ahead) - 1 from missing
        where missing.table_name = parent.table_name and ahead > 0
      ),
      $1
    ) as days_ahead,
    parent.stray_rows
  from (
    select 'final_tasks' as table_name, (
      select count(*) from (select from triaged.final_tasks_default limit $2 + 1) as stray
    ) as stray_rows
    union all
    select 'task_history', (
      select count(*) from (select from triaged.task_history_default limit $2 + 1) as stray
    )
  ) as parent`;

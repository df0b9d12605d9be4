import { z } from "zod";
import { error, type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** More dead rows than this, and than live ones, cost those who read the table. */
const DEAD_ROWS_MAX: Readonly<Record<string, number>> = {
  live_tasks: 100_000,
  // Every worker reads it twice a second.
  workers: 10_000,
  dedupe_keys: 100_000,
};

const Settings = z.object({
  autovacuum: z.string(),
  track_counts: z.string(),
  /** Tables of ours that have it switched off. */
  without: z.array(z.string()),
});
const Rows = z.object({ table_name: z.string(), live: Count, dead: Count });

/** Whether vacuum comes, and whether it gets its work done. */
export const vacuumProbe: Probe = {
  subject: "autovacuum",
  async look({ db }) {
    const [settings] = await db.query({ text: SETTINGS, values: [db.schema] });
    const rows = await db.query({
      text: DEAD_ROWS,
      values: [db.schema, Object.keys(DEAD_ROWS_MAX)],
    });
    return [
      judgeAutovacuum(Settings.parse(settings)),
      judgeDeadRows(rows.map((row) => Rows.parse(row))),
    ];
  },
};

export function judgeAutovacuum(settings: z.output<typeof Settings>): Finding {
  const off = (["autovacuum", "track_counts"] as const).filter((name) => settings[name] === "off");
  if (off.length > 0) {
    return error(
      "autovacuum",
      `${off.join(", ")} off: live_tasks grows without end`,
      "set to on in postgresql.conf",
    );
  }
  return settings.without.length > 0
    ? error(
        "autovacuum",
        `switched off for ${settings.without.join(", ")}`,
        `alter table ${settings.without[0]} reset (autovacuum_enabled)`,
      )
    : ok("autovacuum", "on");
}

export function judgeDeadRows(tables: readonly z.output<typeof Rows>[]): Finding {
  const found = tables
    .map(({ table_name, live, dead }) => `${table_name} ${dead} beside ${live}`)
    .join(", ");
  const bloated = tables.filter(
    ({ table_name, live, dead }) => dead > Math.max(DEAD_ROWS_MAX[table_name] ?? 0, live),
  );
  return bloated.length > 0
    ? warning(
        "dead rows",
        found,
        `end what holds back vacuum, then: vacuum ${bloated.map((table) => table.table_name).join(", ")}`,
      )
    : ok("dead rows", found === "" ? "none counted" : found);
}

const SETTINGS = `
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

const DEAD_ROWS = `
  select relname as table_name, n_live_tup as live, n_dead_tup as dead
  from pg_stat_all_tables
  where schemaname = $1 and relname = any ($2)
  order by array_position($2, relname::text)`;

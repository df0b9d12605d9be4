import { z } from "zod";
import type { Config } from "../config.ts";
import { counted } from "../counted.ts";
import { connectionsWanted } from "./connections.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

const LockFacts = z.object({
  max_locks_per_transaction: Count,
  /** max_connections and max_prepared_transactions: each adds so many locks to what fits. */
  sessions: Count,
  /** What a query without bounds takes: of each partition, the table and its indexes. */
  of_query: Count,
  partitions: Count,
  workers_alive: Count,
});

/**
 * Whether the server's lock table bears as many queries over all partitions at once as there may
 * be connections. When it is full, settles fail as well, with 53200.
 */
export const lockTableProbe: Probe = {
  subject: "lock table",
  async look({ db, config }) {
    const [row] = await db.query({ text: LOCK_FACTS });
    return [judgeLockTable(LockFacts.parse(row), config.pool)];
  },
};

export function judgeLockTable(
  facts: z.output<typeof LockFacts>,
  pool: Pick<Config["pool"], "max">,
): Finding {
  const { max_locks_per_transaction, sessions, of_query, partitions } = facts;
  const room = max_locks_per_transaction * sessions;
  const queries = connectionsWanted(facts.workers_alive, pool);
  const wanted = queries * of_query;
  const found =
    `a query over all ${counted(partitions, "partition")} takes ${counted(of_query, "lock")}; ` +
    `the server has room for ${room}`;
  return wanted > room
    ? warning(
        "lock table",
        `${found}, and ${counted(queries, "connection")} may want ${wanted}`,
        "run `triaged jobs`, which merges old partitions, or raise max_locks_per_transaction " +
          `to ${Math.ceil(wanted / sessions)} (a restart)`,
      )
    : ok("lock table", found);
}

/** The larger of the two tables counts: a query reads one of them without bounds, as a rule. */
const LOCK_FACTS = `
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

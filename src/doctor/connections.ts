import { z } from "zod";
import type { Config } from "../config.ts";
import { counted } from "../counted.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** Of a worker, beside its pool: doorbell and heartbeat. */
const WORKERS_OWN = 2;
/** `triaged jobs`, and one command of a person. */
const OTHERS = 7 + 2;

const ConnectionFacts = z.object({
  max_connections: Count,
  reserved: Count,
  /** Sessions of clients, on the whole server. */
  in_use: Count,
  workers_alive: Count,
});

/** Whether all pools fit into the server when each is full. */
export const connectionsProbe: Probe = {
  subject: "connections",
  async look({ db, config }) {
    const [row] = await db.query({ text: CONNECTION_FACTS });
    return [judgeConnections(ConnectionFacts.parse(row), config.pool)];
  },
};

export function judgeConnections(
  facts: z.output<typeof ConnectionFacts>,
  pool: Pick<Config["pool"], "max">,
): Finding {
  const free = facts.max_connections - facts.reserved;
  const wanted = connectionsWanted(facts.workers_alive, pool);
  const found = `${facts.in_use} of ${free} in use`;
  return wanted > free
    ? warning(
        "connections",
        `${found}; ${counted(facts.workers_alive, "worker")} and the jobs may want ${wanted}`,
        "lower DB_POOL_SIZE, raise max_connections, or put PgBouncer in between",
      )
    : ok("connections", found);
}

/** Of all workers with full pools, of the jobs, and of one person. */
export function connectionsWanted(workersAlive: number, pool: Pick<Config["pool"], "max">): number {
  return workersAlive * (pool.max + WORKERS_OWN) + OTHERS;
}

/** Counted by database: pg_stat_activity hides from most roles what a session is. */
const CONNECTION_FACTS = `
  select
    current_setting('max_connections') as max_connections,
    current_setting('superuser_reserved_connections')::integer
      + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved,
    (select sum(numbackends) from pg_stat_database) as in_use,
    (
      select count(*) from triaged.workers
      where ended_at is null and kind = 'native' and heartbeat_at >= triaged.now() - lease
    ) as workers_alive`;

import { foreignLocks } from "../database/monitoring.ts";
import { clientConfig, isPooled } from "../database/pool.ts";
import type { ForeignLock } from "../database/rows.ts";
import {
  type ConnectionFacts,
  type LockTableFacts,
  readConnectionFacts,
  readLockTableFacts,
  readNotificationUsage,
} from "../database/server-facts.ts";
import { counted } from "../model/text.ts";
import type { Config } from "../settings/config.ts";
import type { DatabaseUrl } from "../settings/database-url.ts";
import { type DoctorFinding, type DoctorProbe, error, ok, warning } from "./probe.ts";

/** Sessions of a worker beside its pool: the listener and the heartbeat. */
const WORKERS_OWN = 2;
/** `triaged jobs`, and one command of a person. */
const OTHERS = 7 + 2;

/** Whether all pools fit into the server when each is full. */
export const connectionsProbe: DoctorProbe = {
  subject: "connections",
  async look({ db, config }) {
    return [judgeConnections(await readConnectionFacts(db), config.pool)];
  },
};

export function judgeConnections(
  facts: ConnectionFacts,
  pool: Pick<Config["pool"], "max">,
): DoctorFinding {
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
function connectionsWanted(workersAlive: number, pool: Pick<Config["pool"], "max">): number {
  return workersAlive * (pool.max + WORKERS_OWN) + OTHERS;
}

const CONNECT_MS_MAX = 3_000;

/** Whether a pooler stands between, and whether there is a way around it. */
export const poolerProbe: DoctorProbe = {
  subject: "pooler",
  async look({ database, config }) {
    const direct = config.directConnection;
    return [
      judgePooler({
        isPooled: await asks(database),
        direct: direct === null ? "none" : (await asks(direct)) ? "pooled" : "direct",
      }),
    ];
  },
};

function judgePooler(way: {
  isPooled: boolean;
  direct: "none" | "pooled" | "direct";
}): DoctorFinding {
  if (way.direct === "pooled") {
    return error(
      "pooler",
      "DATABASE_DIRECT_URL leads to a pooler",
      "name the server itself: session locks and LISTEN do not last behind a pooler",
    );
  }
  if (!way.isPooled) {
    return ok("pooler", "none between here and the server");
  }
  return way.direct === "direct"
    ? ok("pooler", "one in between, with DATABASE_DIRECT_URL beside it")
    : warning(
        "pooler",
        "one in between: workers poll, and a crash is noticed by the lease alone",
        "set DATABASE_DIRECT_URL to the server itself",
      );
}

async function asks(database: DatabaseUrl): Promise<boolean> {
  return await isPooled({
    ...clientConfig(database, "doctor"),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  });
}

/** Of the room for notifications; what fills it is a session that listens and does not read. */
const QUEUE_USED_MAX = 0.1;

/** Who keeps an advisory lock of the queue, or fills the server with notifications. */
export const locksProbe: DoctorProbe = {
  subject: "locks",
  async look({ db }) {
    const used = await readNotificationUsage(db);
    return [...judgeLocks(await foreignLocks(db)), judgeNotifications(used)];
  },
};

function judgeLocks(locks: readonly ForeignLock[]): DoctorFinding[] {
  return locks.length === 0
    ? [ok("locks", "nobody keeps a lock of the queue that is not for it")]
    : locks.map(({ lock, pid, role, application }) =>
        pid === null
          ? warning(
              "locks",
              `${lock}: kept by the prepared transaction '${application ?? ""}' (role ${role})`,
              `${costOf(lock)}; commit prepared '${application ?? ""}', or rollback prepared`,
            )
          : warning(
              "locks",
              `${lock}: kept, or waited for, by pid ${pid} (role ${role}, application '${application ?? ""}')`,
              `${costOf(lock)}; end it: select pg_terminate_backend(${pid})`,
            ),
      );
}

function judgeNotifications(used: number): DoctorFinding {
  const found = `${Math.round(used * 100)} % of the room for notifications in use`;
  return used > QUEUE_USED_MAX
    ? warning(
        "notifications",
        found,
        "a session that listens and stays in a transaction keeps them: end it (see snapshot); " +
          "when it is full nobody can notify, so nobody is woken",
      )
    : ok("notifications", found);
}

function costOf(lock: string): string {
  switch (lock.split(" ")[0] ?? lock) {
    case "worker":
      return "no harm while the session of the worker tells of its death";
    case "wake-up":
      return "each enqueue notifies, and workers poll";
    case "migrate":
      return "a migration, or the start of jobs, ends after ten seconds unless this is one";
    default:
      return "what needs it fails after five seconds";
  }
}

/**
 * Whether the server's lock table bears as many queries over all partitions at once as there may
 * be connections. When it is full, settles fail as well, with 53200.
 */
export const lockTableProbe: DoctorProbe = {
  subject: "lock table",
  async look({ db, config }) {
    return [judgeLockTable(await readLockTableFacts(db), config.pool)];
  },
};

export function judgeLockTable(
  facts: LockTableFacts,
  pool: Pick<Config["pool"], "max">,
): DoctorFinding {
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

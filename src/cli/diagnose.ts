import type { Config } from "../config.ts";
import type { Facts } from "../postgres/facts-store.ts";
import { refuseUnmigrated, type SchemaState } from "../postgres/schema-state.ts";
import { explainError } from "./explain-error.ts";
import { formatDuration } from "./format.ts";

/** One thing that was looked at. `bad` must change; `warn` costs speed or safety. */
export type Finding = {
  readonly level: "ok" | "warn" | "bad";
  readonly subject: string;
  readonly found: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
};

/** A transaction that holds back vacuum for longer makes every claim read its garbage. */
const SNAPSHOT_SECONDS_MAX = 600;
const DAYS_AHEAD_MIN = 2;
const DEAD_TUPLES_MAX = 100_000;

/** Judge the schema alone: without the right one there are no other facts. */
export function diagnoseSchema(state: SchemaState): Finding {
  try {
    refuseUnmigrated(state);
  } catch (err) {
    const explained = explainError(err);
    return bad("schema", explained?.message ?? String(err), explained?.hint ?? "");
  }
  return state.repeatablesCurrent
    ? ok("schema", `${state.schema}, ${state.applied.length} migrations`)
    : warn("schema", "functions and views are those of another version", "run `triaged migrate`");
}

/** Judge the rest, the gravest last in no particular order: each subject once. */
export function diagnose(facts: Facts, pool: Config["pool"]): Finding[] {
  return [
    ...diagnoseServer(facts.server),
    diagnoseConnections(facts, pool),
    diagnoseSnapshot(facts.oldestSnapshot),
    ...diagnoseQueue(facts.queue),
  ];
}

function diagnoseServer(server: Facts["server"]): Finding[] {
  const lossy = (["fsync", "full_page_writes"] as const).filter((name) => server[name] === "off");
  return [
    ok("server", `PostgreSQL ${server.server_version}`),
    server.is_standby
      ? bad("role", "the server is a standby", "name the primary in DATABASE_URL")
      : ok("role", "primary"),
    server.may_enqueue
      ? ok("rights", "may enqueue")
      : bad("rights", "this user may not enqueue", "grant triaged_api to it"),
    lossy.length > 0
      ? bad("durability", `${lossy.join(", ")} off: a crash can destroy the database`, "set to on")
      : server.synchronous_commit === "off"
        ? warn(
            "durability",
            "synchronous_commit is off: a crash forgets the last moments",
            "set it to on, or accept that settled tasks may run twice",
          )
        : ok("durability", `synchronous_commit ${server.synchronous_commit}`),
    server.autovacuum === "off"
      ? bad("autovacuum", "autovacuum is off: live_tasks grows without end", "set it to on")
      : ok("autovacuum", "on"),
  ];
}

function diagnoseConnections({ server, queue }: Facts, pool: Config["pool"]): Finding {
  const free = server.max_connections - server.reserved_connections;
  // The workers that are alive, the jobs process, and one for people.
  const wanted = (queue.workers_alive + 2) * pool.max;
  const found = `${server.connections} of ${free} in use`;
  return wanted > free
    ? warn(
        "connections",
        `${found}; ${queue.workers_alive + 2} processes may want ${wanted}`,
        "lower DB_POOL_SIZE, raise max_connections, or put PgBouncer in between",
      )
    : ok("connections", found);
}

function diagnoseSnapshot(oldest: Facts["oldestSnapshot"]): Finding {
  if (oldest === null) {
    return ok("vacuum", "nothing holds it back");
  }
  const who = `${oldest.held_by}${oldest.pid === null ? "" : `, pid ${oldest.pid}`}`;
  const age = oldest.age_seconds === null ? "" : formatDuration(oldest.age_seconds * 1000);
  const found = `oldest snapshot ${age ?? ""} (${who}, ${oldest.state ?? "no session"})`;
  return (oldest.age_seconds ?? Infinity) > SNAPSHOT_SECONDS_MAX
    ? warn(
        "vacuum",
        found,
        oldest.pid === null
          ? "end it: commit prepared, rollback prepared, pg_drop_replication_slot"
          : `end it: select pg_terminate_backend(${oldest.pid})`,
      )
    : ok("vacuum", found);
}

function diagnoseQueue(queue: Facts["queue"]): Finding[] {
  return [
    queue.workers_silent > 0
      ? warn(
          "workers",
          `${queue.workers_alive} alive, ${queue.workers_silent} silent`,
          "another worker rescues their tasks; is one running? `triaged stats` names them",
        )
      : queue.workers_alive === 0
        ? warn("workers", "none is alive", "start one: triaged work")
        : ok("workers", `${queue.workers_alive} alive`),
    queue.unhandled_types.length > 0
      ? warn(
          "handlers",
          `nobody handles ${queue.unhandled_types.join(", ")}`,
          "start a worker whose --tasks folder and --queue have them",
        )
      : ok("handlers", "every due task has a worker"),
    queue.paused_queues.length > 0
      ? warn(
          "queues",
          `paused: ${queue.paused_queues.join(", ")}`,
          "select triaged.resume_queue('NAME')",
        )
      : ok("queues", "none is paused"),
    queue.partition_days_ahead < DAYS_AHEAD_MIN || queue.default_partition_rows > 0
      ? warn(
          "partitions",
          `${queue.partition_days_ahead} days ahead, ${queue.default_partition_rows} stray rows`,
          "is `triaged jobs` running? For now: triaged migrate",
        )
      : ok("partitions", `${queue.partition_days_ahead} days ahead`),
    queue.dead_tuples > Math.max(DEAD_TUPLES_MAX, queue.live_tasks)
      ? warn(
          "bloat",
          `${queue.dead_tuples} dead rows beside ${queue.live_tasks} live tasks`,
          "end what holds back vacuum, then: vacuum live_tasks",
        )
      : ok("bloat", `${queue.dead_tuples} dead rows`),
  ];
}

function ok(subject: string, found: string): Finding {
  return { level: "ok", subject, found, advice: null };
}

function warn(subject: string, found: string, advice: string): Finding {
  return { level: "warn", subject, found, advice };
}

function bad(subject: string, found: string, advice: string): Finding {
  return { level: "bad", subject, found, advice };
}

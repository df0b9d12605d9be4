import {
  type AutovacuumFacts,
  countHiddenSessions,
  type DeadRowFacts,
  readAutovacuumFacts,
  readDeadRowFacts,
  readSnapshotHolders,
  type SnapshotHolder,
} from "../database/server-facts.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, error, notAllowed, ok, warning } from "./probe.ts";

/** More dead rows than this, and than live ones, cost those who read the table. */
const DEAD_ROWS_MAX: Readonly<Record<string, number>> = {
  live_tasks: 100_000,
  // Every worker reads it twice a second.
  workers: 10_000,
  dedupe_keys: 100_000,
};

/** Whether vacuum comes, and whether it gets its work done. */
export const vacuumProbe: DoctorProbe = {
  subject: "autovacuum",
  async look({ db }) {
    return [
      judgeAutovacuum(await readAutovacuumFacts(db)),
      judgeDeadRows(await readDeadRowFacts(db, Object.keys(DEAD_ROWS_MAX))),
    ];
  },
};

export function judgeAutovacuum(settings: AutovacuumFacts): DoctorFinding {
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

export function judgeDeadRows(tables: readonly DeadRowFacts[]): DoctorFinding {
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

/** A transaction that holds back vacuum for longer makes others read its garbage. */
const AGE_SECONDS_MAX = 600;
/** Whoever prepares a transaction ends it at once; until then its locks keep others waiting. */
const PREPARED_SECONDS_MAX = 60;
/** A slot has no age in time; so many transactions of a healthy standby it never lags. */
const SLOT_TRANSACTIONS_MAX = 1_000_000;
/** Read; of these the old ones are shown. */
const HOLDERS_MAX = 20;
const SHOWN_MAX = 5;
const QUERY_LENGTH_MAX = 200;

/** What keeps vacuum from the dead rows of this database, the oldest first. */
export const snapshotProbe: DoctorProbe = {
  subject: "snapshot",
  async look({ db }) {
    const hidden = await countHiddenSessions(db);
    const holders = await readSnapshotHolders(db, {
      queryLengthMax: QUERY_LENGTH_MAX,
      limit: HOLDERS_MAX,
    });
    return judgeHolders(holders, hidden);
  },
};

/** `hidden` is how many sessions this user is told nothing of. */
export function judgeHolders(holders: readonly SnapshotHolder[], hidden: number): DoctorFinding[] {
  const old = holders.filter(isOld).slice(0, SHOWN_MAX);
  const [oldest] = holders;
  const seen = oldest === undefined ? "nothing holds back vacuum" : describe(oldest);
  return [
    ...(hidden > 0
      ? [
          notAllowed(
            "snapshot",
            `${counted(hidden, "session")} of others ${hidden === 1 ? "shows" : "show"} nothing`,
            "grant pg_read_all_stats to this user",
          ),
        ]
      : []),
    ...(old.length > 0
      ? old.map((holder) => warning("snapshot", describe(holder), adviceFor(holder)))
      : [ok("snapshot", seen)]),
  ];
}

function isOld({ kind, state, age_seconds, transactions }: SnapshotHolder): boolean {
  return kind === "slot"
    ? state === "inactive" || transactions > SLOT_TRANSACTIONS_MAX
    : (age_seconds ?? 0) > (kind === "prepared" ? PREPARED_SECONDS_MAX : AGE_SECONDS_MAX);
}

function describe(holder: SnapshotHolder): string {
  const { pid, name, state, query, age_seconds, transactions } = holder;
  const who = {
    session: `session of ${name}`,
    prepared: `prepared transaction ${name}`,
    slot: `replication slot ${name}`,
  }[holder.kind];
  return [
    who,
    pid === null ? null : `pid ${pid}`,
    state,
    age_seconds === null ? null : `for ${Math.round(age_seconds)} s`,
    counted(transactions, "transaction"),
    query === null || query === "" ? null : `query: ${query}`,
  ]
    .filter((part) => part !== null)
    .join(", ");
}

function adviceFor({ kind, pid, name }: SnapshotHolder): string {
  switch (kind) {
    case "session":
      return `end it: select pg_terminate_backend(${pid})`;
    case "prepared":
      return `commit prepared '${name}', or rollback prepared '${name}'`;
    case "slot":
      return `bring its standby or subscriber back, or: select pg_drop_replication_slot('${name}')`;
  }
}

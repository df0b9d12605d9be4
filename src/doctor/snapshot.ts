import { z } from "zod";
import { counted } from "../counted.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, notAllowed, type Probe } from "./probe.ts";

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

const Holder = z.object({
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

type Holder = z.output<typeof Holder>;

/** What keeps vacuum from the dead rows of this database, the oldest first. */
export const snapshotProbe: Probe = {
  subject: "snapshot",
  async look({ db }) {
    const [seen] = await db.query({ text: HIDDEN });
    const rows = await db.query({ text: HOLDERS, values: [QUERY_LENGTH_MAX, HOLDERS_MAX] });
    const hidden = z.object({ sessions: Count }).parse(seen).sessions;
    return judgeHolders(
      rows.map((row) => Holder.parse(row)),
      hidden,
    );
  },
};

/** `hidden` is how many sessions this user is told nothing of. */
export function judgeHolders(holders: readonly Holder[], hidden: number): Finding[] {
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

function isOld({ kind, state, age_seconds, transactions }: Holder): boolean {
  return kind === "slot"
    ? state === "inactive" || transactions > SLOT_TRANSACTIONS_MAX
    : (age_seconds ?? 0) > (kind === "prepared" ? PREPARED_SECONDS_MAX : AGE_SECONDS_MAX);
}

function describe(holder: Holder): string {
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

function adviceFor({ kind, pid, name }: Holder): string {
  switch (kind) {
    case "session":
      return `end it: select pg_terminate_backend(${pid})`;
    case "prepared":
      return `commit prepared '${name}', or rollback prepared '${name}'`;
    case "slot":
      return `bring its standby or subscriber back, or: select pg_drop_replication_slot('${name}')`;
  }
}

/** Sessions of this database alone: those of others do not hold back its tables. */
const HOLDERS = `
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

const HIDDEN = `
  select count(*) as sessions
  from pg_stat_activity
  where datname = current_database() and query = '<insufficient privilege>'`;

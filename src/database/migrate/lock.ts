/** The advisory lock of the migrators: one migration at a time, and none waits for ever. */
import type { ClientBase } from "pg";
import { z } from "zod";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import { withSchema } from "../database.ts";
import { codeOf } from "../sqlstate.ts";

/** Anybody who may connect can keep an advisory lock, so each wait for one has a limit. */
export const LOCK_WAIT_MS = 10_000;
/** Another migration may take its time: it is waited for again, up to this many times. */
const MIGRATIONS_WAITS_MAX = 60;

const Holder = z.object({
  /** Null for a prepared transaction, whose name is its application. */
  pid: z.int().nullable(),
  role: z.string(),
  application: z.string().nullable(),
  /** It says that it is ours, and may do what we do. */
  isMigrator: z.boolean(),
});
type Holder = z.output<typeof Holder>;

/**
 * Take the lock of the migrators, to the end of the transaction. Throws an EnvironmentError (75)
 * that names who has it where that is no migration, or one that takes ten minutes.
 */
export async function takeMigratorsLock(
  client: ClientBase,
  schema: string,
  { waitMs = LOCK_WAIT_MS }: { waitMs?: number } = {},
): Promise<void> {
  for (let waits = 1; ; waits += 1) {
    const holders = await tryFor(waitMs, client, schema);
    if (holders === "had") {
      return;
    }
    // Nobody: it became free just now.
    const isMigration = holders.every(({ isMigrator }) => isMigrator);
    if (waits >= (isMigration ? MIGRATIONS_WAITS_MAX : 1)) {
      throw heldBy(holders, waits * waitMs);
    }
  }
}

async function tryFor(
  waitMs: number,
  client: ClientBase,
  schema: string,
): Promise<"had" | readonly Holder[]> {
  await client.query("savepoint before_lock");
  try {
    await client.query(`set local lock_timeout to ${waitMs}`);
    await client.query(withSchema(`select pg_advisory_xact_lock(${KEY})`, schema));
    return "had";
  } catch (err) {
    if (codeOf(err) !== "55P03") {
      throw err;
    }
    await client.query("rollback to savepoint before_lock");
    const { rows } = await client.query(withSchema(HOLDERS, schema), [schema]);
    return rows.map((row) => Holder.parse(row));
  }
}

function heldBy(holders: readonly Holder[], waitedMs: number): EnvironmentError {
  const names = holders.map(({ pid, role, application }) =>
    pid === null
      ? `the prepared transaction '${application ?? ""}' (role ${role})`
      : `pid ${pid} (role ${role}, application '${application ?? ""}')`,
  );
  const [first] = holders;
  const who = names.length === 0 ? "a session that is gone by now" : names.join(", ");
  return new EnvironmentError(
    `the lock of the migrators is held by ${who}; waited ${waitedMs / 1_000} s`,
    {
      hint:
        "wait for it if it is a migration, and try again; else end it: " +
        (first !== undefined && first.pid === null
          ? `rollback prepared '${first.application ?? ""}'`
          : `select pg_terminate_backend(${first?.pid ?? "pid"})`),
      exitCode: EXIT_CODES.databaseUnreachable,
    },
  );
}

/**
 * What the error becomes of a lock on one of the queue's tables that was not to be had, however
 * often it was tried: with the names of those who have some.
 */
export async function heldTables(
  client: ClientBase,
  schema: string,
  cause: Error,
): Promise<EnvironmentError> {
  const { rows } = await client.query(TABLE_HOLDERS, [schema]);
  const holders = rows.map((row) => z.object({ holder: z.string(), end: z.string() }).parse(row));
  const who = holders.map(({ holder }) => holder).join(", ");
  return new EnvironmentError(
    `a table of the queue is locked by ${who === "" ? "a session that is gone by now" : who}`,
    {
      hint: `try again; or end it: ${holders[0]?.end ?? "see pg_locks"}`,
      exitCode: EXIT_CODES.databaseUnreachable,
      cause,
    },
  );
}

/** As lock_key has it; there is no function yet when the first migration begins. */
const KEY = "hashtextextended('triaged.migrate', 0)";

/** A prepared transaction has no pid, and its id beside the locks of the session that made it. */
const PREPARED = `left join lateral (
    select known.owner, known.gid
    from pg_locks as own
    join pg_prepared_xacts as known on known.transaction = own.transactionid
    where
      held.pid is null and own.pid is null and own.locktype = 'transactionid'
      and own.virtualtransaction = held.virtualtransaction
  ) as prepared on true`;

const HOLDERS = `
  select
    held.pid, coalesce(session.usename::text, prepared.owner::text, 'unknown') as role,
    coalesce(session.application_name, prepared.gid) as application,
    coalesce(
      session.application_name like 'triaged %'
        and case
          when to_regnamespace($1) is null
            then has_database_privilege(session.usesysid, current_database(), 'create')
          else has_schema_privilege(session.usesysid, to_regnamespace($1), 'create')
        end,
      false
    ) as "isMigrator"
  from pg_locks as held
  left join pg_stat_activity as session on session.pid = held.pid
  ${PREPARED}
  where
    held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.database = (select oid from pg_database where datname = current_database())
    and ((held.classid::bigint << 32) | held.objid::bigint) = ${KEY}
  order by held.pid`;

/** Whoever has more than one may read with. */
const TABLE_HOLDERS = `
  select distinct
    case
      when held.pid is null then format('the prepared transaction %L', prepared.gid)
      else format('pid %s (role %s, application %L)', held.pid,
        coalesce(session.usename::text, 'unknown'), session.application_name)
    end as holder,
    case
      when held.pid is null then format('rollback prepared %L', prepared.gid)
      else format('select pg_terminate_backend(%s)', held.pid)
    end as end
  from pg_locks as held
  join pg_class as relation on relation.oid = held.relation
  left join pg_stat_activity as session on session.pid = held.pid
  ${PREPARED}
  where
    held.locktype = 'relation' and held.granted and held.pid is distinct from pg_backend_pid()
    and held.database = (select oid from pg_database where datname = current_database())
    and relation.relnamespace = to_regnamespace($1)
  order by holder
  limit 5`;

import type { ClientBase } from "pg";
import { z } from "zod";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { withSchema } from "./database.ts";
import { codeOf } from "./sqlstate.ts";

/** Anybody who may connect can keep an advisory lock: nobody is waited for without a limit. */
export const LOCK_WAIT_MS = 10_000;
/** Another migration may take its time: it is waited for again, so often. */
const MIGRATIONS_WAITS_MAX = 60;

const Holder = z.object({
  pid: z.int(),
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
  const names = holders.map(
    ({ pid, role, application }) => `pid ${pid} (role ${role}, application '${application ?? ""}')`,
  );
  const who = names.length === 0 ? "a session that is gone by now" : names.join(", ");
  return new EnvironmentError(
    `the lock of the migrators is held by ${who}; waited ${waitedMs / 1_000} s`,
    {
      hint:
        "wait for it if it is a migration, and try again; else end it: " +
        `select pg_terminate_backend(${holders[0]?.pid ?? "pid"})`,
      exitCode: EXIT_CODES.databaseUnreachable,
    },
  );
}

/** As lock_key has it; there is no function yet when the first migration begins. */
const KEY = "hashtextextended('triaged.migrate', 0)";

const HOLDERS = `
  select
    held.pid, coalesce(session.usename::text, 'unknown') as role,
    session.application_name as application,
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
  where
    held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.database = (select oid from pg_database where datname = current_database())
    and ((held.classid::bigint << 32) | held.objid::bigint) = ${KEY}
  order by held.pid`;

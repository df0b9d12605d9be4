/**
 * What backups, restores and drills ask the server, and do there beside PostgreSQL's programs.
 */
import { type ClientBase, DatabaseError, escapeIdentifier, escapeLiteral } from "pg";
import { z } from "zod";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { DatabaseUrl, Host } from "../settings/database-url.ts";
import { DatabaseClient } from "./connection.ts";
import { IsoTime, inSchema, isoTime } from "./database.ts";
import { jobsSchemaOf } from "./graphile-tables.ts";
import { clientConfig, keepSession } from "./pool.ts";
import { Count } from "./rows.ts";
import { compatSchema } from "./schema/compat.ts";
import { codeOf } from "./sqlstate.ts";
import { inTransaction } from "./transaction.ts";

/** How many rows there are at one moment; what a restore is compared with. */
export const RowCounts = z.object({
  /** Tasks by status. */
  tasks: z.record(z.string(), z.number()),
  history_rows: z.number(),
  newest_history_id: z.string().nullable(),
  newest_history_at: IsoTime.nullable(),
});
export type RowCounts = z.output<typeof RowCounts>;

const SnapshotFacts = z.object({
  snapshot: z.string(),
  at: IsoTime,
  server_version: z.string(),
  server_version_number: Count,
  database: z.string(),
  schemas: z.array(z.string()),
  migration: z.string().nullable(),
});

/** One state of the database, which pg_dump may read too until `release` is called. */
export type HeldSnapshot = z.output<typeof SnapshotFacts> & {
  readonly counts: RowCounts;
  /** The host that was found; the snapshot is of no other one. */
  readonly at_host: Host;
  readonly release: () => Promise<void>;
};

/**
 * Take the lock of backups and a snapshot. Throws an EnvironmentError where another backup of this
 * queue runs (75), or where there is no queue (78), and the driver's error where the database
 * cannot be reached. The session's own limits of time do not hold for it: a dump takes what it
 * takes.
 */
export async function holdBackupSnapshot(
  database: DatabaseUrl,
  schema: string,
): Promise<HeldSnapshot> {
  const client = new DatabaseClient(clientConfig(database, "backup"));
  client.on("error", () => undefined);
  await client.connect();
  try {
    await keepSession(client);
    await client.query("begin isolation level repeatable read, read only");
    await client.query(`select set_config(name, '0', true) from pg_settings where name in
      ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`);
    await takeLock(client, schema, "backup");
    const facts = SnapshotFacts.parse(await one(client, schema, SNAPSHOT, [schemasOf(schema)]));
    if (!facts.schemas.includes(schema) || facts.migration === null) {
      throw new EnvironmentError(`there is no queue in schema ${schema} of ${facts.database}`, {
        hint: "TRIAGED_SCHEMA names the schema; `triaged migrate` makes a queue",
        exitCode: EXIT_CODES.config,
      });
    }
    const counts = await readRowCounts(client, schema);
    return {
      ...facts,
      counts,
      at_host: { host: client.host, port: client.port },
      release: () => client.end(),
    };
  } catch (err) {
    await client.end();
    throw err;
  }
}

/** The queue's own, that of older clients, and that of the jobs. */
export function schemasOf(schema: string): string[] {
  const compat = compatSchema(schema);
  return [schema, ...(compat === null ? [] : [compat]), jobsSchemaOf(schema)];
}

/** Held until the transaction, or the session where `lasts`, ends. */
async function takeLock(
  client: ClientBase,
  schema: string,
  purpose: "backup" | "drill",
): Promise<void> {
  const call = purpose === "backup" ? "pg_try_advisory_xact_lock" : "pg_try_advisory_lock";
  const { rows } = await client.query<{ had: boolean }>(
    `select ${call}(hashtextextended('triaged.' || $1 || ' ' || $2, 0)) as had`,
    [purpose, schema],
  );
  if (rows[0]?.had !== true) {
    throw new EnvironmentError(`another ${purpose} of schema ${schema} runs`, {
      hint: `wait for it, and try again; pg_stat_activity has it as 'triaged ${purpose}'`,
      exitCode: EXIT_CODES.databaseUnreachable,
    });
  }
}

/** Count the rows of a queue of any version. */
export async function readRowCounts(client: ClientBase, schema: string): Promise<RowCounts> {
  return RowCounts.parse(await one(client, schema, COUNTS));
}

/** What came of the history since a moment that a backup has. */
export async function countHistoryAfter(
  client: ClientBase,
  schema: string,
  historyId: string,
): Promise<number> {
  const row = await one(
    client,
    schema,
    "select count(*)::float8 as rows from triaged.task_history where history_id > $1",
    [historyId],
  );
  return z.object({ rows: z.number() }).parse(row).rows;
}

/** The commit that a recovery went to; null on a server that has not recovered. */
export async function readReplayedUntil(client: ClientBase): Promise<Date | null> {
  const row = await one(
    client,
    "triaged",
    `select ${isoTime("pg_last_xact_replay_timestamp()", "at")}`,
  );
  return z.object({ at: IsoTime.nullable() }).parse(row).at;
}

/** The major version of a server. */
export function majorOf(versionNumber: number): number {
  return Math.floor(versionNumber / 10_000);
}

const Contents = z.object({
  database: z.string(),
  server_version_number: Count,
  /** Schemas with something in them that is no extension's. */
  filled: z.array(z.string()),
  /** Other sessions of ours, by what they call themselves. */
  sessions: z.array(z.string()),
});
export type Contents = z.output<typeof Contents>;

/** What is in a database that a dump is to go into. */
export async function readContents(client: ClientBase): Promise<Contents> {
  return Contents.parse(await one(client, "triaged", CONTENTS));
}

/** A schema under its own name, and under the one that it has until it is wanted again. */
export type SetAside = { readonly schema: string; readonly name: string };

/** Rename those of the schemas that are there, all or none. Answers which. */
export async function setSchemasAside(
  client: ClientBase,
  schemas: readonly string[],
  nameFor: (schema: string) => string,
): Promise<readonly SetAside[]> {
  const { rows } = await client.query<{ schema: string }>(
    "select nspname::text as schema from pg_namespace where nspname = any ($1::text[])",
    [schemas],
  );
  const aside = rows.map(({ schema }) => ({ schema, name: nameFor(schema) }));
  await renameAll(
    client,
    aside.map(({ schema, name }) => [schema, name]),
  );
  return aside;
}

/** Drop the schemas with what depends on them, and give their names back to those set aside. */
export async function takeSchemasBack(
  client: ClientBase,
  schemas: readonly string[],
  aside: readonly SetAside[],
): Promise<void> {
  for (const schema of schemas) {
    await client.query(`drop schema if exists ${escapeIdentifier(schema)} cascade`);
  }
  await renameAll(
    client,
    aside.map(({ schema, name }) => [name, schema]),
  );
}

async function renameAll(
  client: ClientBase,
  names: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  await inTransaction(client, async () => {
    for (const [from, to] of names) {
      await client.query(
        `alter schema ${escapeIdentifier(from)} rename to ${escapeIdentifier(to)}`,
      );
    }
  });
}

/** What says that a database may be dropped by the next drill. */
const DRILL_MARK = "made by triaged drill";

/** A database beside that of the queue, for one drill at a time. */
export type ScratchDatabase = {
  readonly name: string;
  readonly client: ClientBase;
  readonly drop: () => Promise<void>;
};

/**
 * Make the database of a drill; one that an earlier drill left behind is dropped before. Throws an
 * EnvironmentError where another drill of this queue runs (75), and where the role may not create
 * databases, or somebody else has one of that name (78).
 */
export async function makeScratchDatabase(
  database: DatabaseUrl,
  schema: string,
): Promise<ScratchDatabase> {
  const client = new DatabaseClient(clientConfig(database, "drill"));
  client.on("error", () => undefined);
  await client.connect();
  try {
    await keepSession(client);
    await takeLock(client, schema, "drill");
    const found = z
      .object({ name: z.string(), mark: z.string().nullable(), exists: z.boolean() })
      .parse(await one(client, schema, SCRATCH, [schema]));
    if (found.exists && found.mark !== DRILL_MARK) {
      throw new EnvironmentError(`database ${found.name} is there, and no drill made it`, {
        hint: "rename it: a drill wants that name",
        exitCode: EXIT_CODES.config,
      });
    }
    const name = escapeIdentifier(found.name);
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name} template template0 encoding 'UTF8' locale 'C'`);
    await client.query(`comment on database ${name} is ${escapeLiteral(DRILL_MARK)}`);
    return {
      name: found.name,
      client,
      drop: async () => {
        try {
          await client.query(`drop database if exists ${name} with (force)`);
        } finally {
          await client.end();
        }
      },
    };
  } catch (err) {
    await client.end();
    throw codeOf(err) === "42501" && err instanceof DatabaseError ? mayNotCreate(err) : err;
  }
}

function mayNotCreate(cause: Error): EnvironmentError {
  return new EnvironmentError(`the drill may not create a database: ${cause.message}`, {
    hint: "alter role … createdb, or run it as a role that may",
    exitCode: EXIT_CODES.config,
    cause,
  });
}

async function one(
  client: ClientBase,
  schema: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<unknown> {
  const [row] = await inSchema(client, schema).query({ text, values });
  return row;
}

const SNAPSHOT = `
  select
    pg_export_snapshot() as snapshot,
    ${isoTime("clock_timestamp()", "at")},
    current_setting('server_version') as server_version,
    current_setting('server_version_num') as server_version_number,
    current_database()::text as database,
    array(
      select nspname::text from pg_namespace where nspname = any ($1::text[]) order by nspname
    ) as schemas,
    (
      select max(name) from triaged.schema_migrations where name ~ '^[0-9]'
    ) as migration`;

const COUNTS = `
  select
    coalesce(
      (
        select jsonb_object_agg(status, tasks)
        from (
          select status, count(*) as tasks
          from (
            select status from triaged.live_tasks
            union all
            select status from triaged.final_tasks
          ) as both_of
          group by status
        ) as by_status
      ),
      '{}'
    ) as tasks,
    (select count(*) from triaged.task_history)::float8 as history_rows,
    (select max(history_id)::text from triaged.task_history) as newest_history_id,
    (select ${isoTime("max(at)", "at")} from triaged.task_history) as newest_history_at`;

const CONTENTS = `
  with strangers as (
    select relnamespace as home, 'pg_class'::regclass as kind, oid from pg_class
    union all
    select pronamespace, 'pg_proc'::regclass, oid from pg_proc
    union all
    select typnamespace, 'pg_type'::regclass, oid from pg_type
  )
  select
    current_database()::text as database,
    current_setting('server_version_num') as server_version_number,
    array(
      select nspname::text
      from pg_namespace
      where
        left(nspname, 3) <> 'pg_' and nspname <> 'information_schema'
        and exists (
          select from strangers
          where
            home = pg_namespace.oid
            and not exists (
              select from pg_depend
              where
                classid = strangers.kind and objid = strangers.oid and deptype = 'e'
            )
        )
      order by nspname
    ) as filled,
    array(
      select distinct application_name
      from pg_stat_activity
      where
        datname = current_database() and pid <> pg_backend_pid()
        and application_name like 'triaged %'
      order by application_name
    ) as sessions`;

const SCRATCH = `
  select
    wanted.name,
    found.oid is not null as exists,
    shobj_description(found.oid, 'pg_database') as mark
  from (
    select 'triaged_drill_' || oid || '_' || left(md5($1), 6) as name
    from pg_database where datname = current_database()
  ) as wanted
  left join pg_database as found on found.datname = wanted.name`;

import type { Client } from "pg";

/**
 * The server loads what counts statements, and it counts none: a bench that asks for it has
 * them counted in its own database, and the others hardly pay.
 */
export const COUNTING_NOTHING = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "none",
  compute_query_id: "off",
};

/**
 * Count the statements of the sessions that connect to this database from now on. Throws where
 * the server has no pg_stat_statements loaded: it takes a start of the server.
 */
export async function watchStatements(client: Client): Promise<void> {
  const { rows } = await client.query<{ libraries: string; database: string }>(
    `select
       current_setting('shared_preload_libraries') as libraries, current_database() as database`,
  );
  const [row] = rows;
  if (row === undefined || !row.libraries.includes("pg_stat_statements")) {
    throw new Error("expected a server with pg_stat_statements in shared_preload_libraries");
  }
  await client.query("create extension if not exists pg_stat_statements");
  await client.query(`alter database ${row.database} set compute_query_id to on`);
  await client.query(`alter database ${row.database} set pg_stat_statements.track to 'top'`);
}

/** Statements that clients have sent to this database, those within functions not counted. */
export async function statementsHere(client: Client): Promise<number> {
  const { rows } = await client.query<{ calls: string }>(
    `select coalesce(sum(calls), 0) as calls from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())`,
  );
  return Number(rows[0]?.calls);
}

import type { ClientBase, Pool, PoolClient, QueryResultRow } from "pg";

/** Anything of the driver that runs a query: a pool, or the caller's own transaction. */
export type Queryable = Pick<Pool | ClientBase | PoolClient, "query">;

/** One statement, with `triaged.` in front of every object. */
export type Statement = {
  readonly text: string;
  readonly values?: readonly unknown[];
  /**
   * Prepare it under this name, once for each connection. Only for statements that run
   * often.
   */
  readonly name?: string;
};

/** A queryable that knows in which schema the queue lives. */
export type Database = {
  readonly schema: string;
  /** Runs the statement and returns its rows. */
  query<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
};

export const DEFAULT_SCHEMA = "triaged";

/**
 * Wrap what runs queries, for a queue in `schema`. With `prepare: false` statements are not
 * prepared under their names: behind a pooler the next one may meet another session.
 * `answerMsMax` is for a server that vanishes without a word, which the kernel notices after
 * a quarter of an hour: a statement that took longer fails, though it may be made yet.
 */
export function inSchema(
  queryable: Queryable,
  schema: string = DEFAULT_SCHEMA,
  { prepare = true, answerMsMax }: { prepare?: boolean; answerMsMax?: number } = {},
): Database {
  return {
    schema,
    async query<Row extends QueryResultRow>({ text, values, name }: Statement) {
      const { rows } = await queryable.query<Row>({
        text: withSchema(text, schema),
        values: [...(values ?? [])],
        // The name carries the schema: one connection may serve two queues.
        ...(name === undefined || !prepare ? {} : { name: `${schema}.${name}` }),
        ...(answerMsMax === undefined ? {} : { query_timeout: answerMsMax }),
      });
      return rows;
    },
  };
}

/**
 * Put another schema in the place of `triaged`, in statements and in the files of sql/, and the
 * compatibility schema of that one in the place of `triaged_compat`.
 */
export function withSchema(text: string, schema: string): string {
  return schema === DEFAULT_SCHEMA
    ? text
    : text.replaceAll(
        /\btriaged(_compat)?(\.)|(?<=\bschema )triaged(_compat)?\b/g,
        (_found, compat = "", dot = "", named = "") => `${schema}${compat}${named}${dot}`,
      );
}

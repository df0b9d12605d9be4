/**
 * How a statement is sent. A `Database` is a pool or a transaction that knows the queue's schema.
 * Statements are written for the schema `triaged`; here they get the name of the real one.
 */
import type { ClientBase, Pool, PoolClient, QueryResultRow } from "pg";
import { z } from "zod";
import { Observation } from "../system/observation.ts";

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

/** A statement was answered: after how long, and whether with an error. */
export type AnsweredStatement = {
  /** What it calls first, such as `claim_tasks`, or reads. */
  readonly name: string;
  readonly seconds: number;
  readonly isError: boolean;
};
export const statementAnswered = new Observation<AnsweredStatement>();

/** A queryable that knows in which schema the queue lives. */
export type Database = {
  readonly schema: string;
  /** Runs the statement and returns its rows. */
  readonly query: <Row extends QueryResultRow>(statement: Statement) => Promise<Row[]>;
};

/** Under it the context of a handler has the database; one for all copies of this package. */
export const DATABASE: unique symbol = Symbol.for("triaged.database");
export type WithDatabase = { readonly [DATABASE]: Database };

/**
 * The database of the queue by the context of a handler, for the tables that an application keeps
 * beside the queue's. Each statement is a transaction of its own, and throws the reason of the
 * signal once the attempt is aborted. Throws a TypeError for what is no such context.
 *
 * @internal
 */
export function databaseOf(context: object): Database {
  if (!hasDatabase(context)) {
    throw new TypeError("expected the context that a worker gives its handler");
  }
  return context[DATABASE];
}

function hasDatabase(context: object): context is WithDatabase {
  return DATABASE in context;
}

export const DEFAULT_SCHEMA = "triaged";

/** A point in time as `isoTime` selects it. */
export const IsoTime = z.string().transform((text) => new Date(text));

/**
 * Select a point in time as ISO text of UTC. The driver reads what the session's DateStyle writes
 * in ISO alone, and the session may be a caller's own.
 */
export function isoTime(column: string, name: string = column): string {
  return `pg_catalog.to_json(${column} at time zone 'UTC') #>> '{}' || 'Z' as ${name}`;
}

/**
 * The same in full, for a time that goes back to the server: a Date would cut its microseconds.
 * Also what is infinite.
 */
export function exactTime(expression: string): string {
  return `pg_catalog.to_json(${expression}) #>> '{}'`;
}

/** The columns of a row with that shape, points in time by `isoTime`. */
export function columnsOf(shape: Readonly<Record<string, z.ZodType>>, table = ""): string {
  return Object.entries(shape)
    .map(([name, type]) => {
      const inner = type instanceof z.ZodNullable ? type.unwrap() : type;
      return inner === IsoTime ? isoTime(`${table}${name}`, name) : `${table}${name}`;
    })
    .join(", ");
}

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
    async query<Row extends QueryResultRow>(statement: Statement) {
      const { text, values, name } = statement;
      const asked = queryable.query<Row>({
        text: withSchema(text, schema),
        values: [...(values ?? [])],
        // The name carries the schema: one connection may serve two queues.
        ...(name === undefined || !prepare ? {} : { name: `${schema}.${name}` }),
        ...(answerMsMax === undefined ? {} : { query_timeout: answerMsMax }),
      });
      const { rows } = await (statementAnswered.isHeard ? observed(statement, asked) : asked);
      return rows;
    },
  };
}

async function observed<Answer>(statement: Statement, asked: Promise<Answer>): Promise<Answer> {
  const askedMs = performance.now();
  let isError = true;
  try {
    const answer = await asked;
    isError = false;
    return answer;
  } finally {
    const seconds = (performance.now() - askedMs) / 1_000;
    statementAnswered.tell({ name: nameOf(statement), seconds, isError });
  }
}

function nameOf({ name, text }: Statement): string {
  return name ?? /\btriaged\.(?!now\b)(\w+)/.exec(text)?.[1] ?? "other";
}

/** Ask for nothing: resolves when the server answers. */
export async function ping(db: Database): Promise<void> {
  await db.query({ text: "select" });
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

/** Transactions: plain, with settings of the queue, on one snapshot, or rolled back at the end. */
import { type ClientBase, DatabaseError, escapeLiteral, type Pool } from "pg";
import type { OperationDoor, Saying } from "../model/operation.ts";
import { type Database, inSchema } from "./database.ts";
import { codeOf, isLost, READ_ONLY } from "./sqlstate.ts";

/**
 * Run `work` between begin and commit; roll back and throw what it throws. The level is named: that
 * of the database may be another, and behind a pooler no session of ours has its own.
 */
export async function inTransaction<Result>(
  client: ClientBase,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query("begin isolation level read committed, not deferrable");
  try {
    const result = await work();
    await client.query("commit");
    return result;
  } catch (err) {
    // A lost connection has rolled back already; the error that matters is the first.
    await client.query("rollback").catch(() => undefined);
    throw err;
  }
}

/**
 * From here to the end of the transaction bare names are PostgreSQL's own, whatever else is called
 * so: for migrations that are not ours.
 */
export async function useBareSearchPath(client: ClientBase): Promise<void> {
  await client.query("set local search_path to pg_catalog, pg_temp");
}

/**
 * Run `work` in a transaction with settings of the queue: who acts, as history and operations
 * name it, why, and through which door. They end with the transaction: behind a pooler, the
 * session belongs to others next.
 */
export async function withSettings<Result>(
  pool: Pool,
  schema: string,
  settings: Saying & { readonly door?: OperationDoor; readonly max_payload_bytes?: number },
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const client = await pool.connect();
  let isReadOnlyNow = false;
  try {
    return await inTransaction(client, async () => {
      for (const [name, value] of given) {
        await client.query("select set_config($1, $2, true)", [`${schema}.${name}`, value]);
      }
      return await work(inSchema(client, schema));
    });
  } catch (err) {
    isReadOnlyNow = codeOf(err) === READ_ONLY;
    throw err;
  } finally {
    // The primary may be elsewhere by now: the next one looks for it.
    client.release(isReadOnlyNow);
  }
}

/**
 * Run `work` in a transaction with the rights of `role` alone (null: those of the login), with
 * settings of the queue, and where asked for without the right to write. All of it ends with the
 * transaction. A statement that takes longer than `statementMsMax`, or waits longer than `lockMsMax`
 * for a lock, is cancelled by the server. One that gets no answer for a little longer fails, and
 * its session ends: of a server that vanished, or a commit that waits for a standby that is gone.
 * It may have been made.
 */
export async function asRole<Result>(
  pool: Pool,
  schema: string,
  options: {
    readonly role: string | null;
    readonly isReadOnly: boolean;
    readonly settings: Saying & {
      readonly door?: OperationDoor;
      readonly max_payload_bytes?: string;
    };
    readonly statementMsMax: number;
    /** @default as the statement */
    readonly lockMsMax?: number | undefined;
    /** Looks at the session before the work does; throws where it is not the one that is wanted. */
    readonly admit?: (db: Database) => Promise<void>;
  },
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const { role, isReadOnly, settings, statementMsMax, lockMsMax, admit } = options;
  const named = [
    ["statement_timeout", String(statementMsMax)],
    ...(lockMsMax === undefined ? [] : [["lock_timeout", String(lockMsMax)]]),
    ...Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [`${schema}.${name}`, value]),
    ...(role === null ? [] : [["role", role]]),
  ].map(([name = "", value = ""]) => [escapeLiteral(name), escapeLiteral(value)]);
  const answerMsMax = statementMsMax + ANSWER_SLACK_MS;
  const client = await pool.connect();
  const run = (text: string) => {
    const question = { text, query_timeout: answerMsMax };
    return client.query(question);
  };
  let isUsable = false;
  try {
    // Whether it may write is left to the session else: somebody may have frozen all writes.
    // One message: a request has a transaction of its own, and each round trip counts.
    await run(
      `begin isolation level read committed${isReadOnly ? ", read only" : ""}, not deferrable;
       select ${named.map(([name, value]) => `set_config(${name}, ${value}, true)`).join(", ")}`,
    );
    const db = inSchema(client, schema, { answerMsMax });
    await admit?.(db);
    const result = await work(db);
    await run("commit");
    isUsable = true;
    return result;
  } catch (err) {
    // A rollback would wait behind what is not answered.
    if (!isLost(err)) {
      await run("rollback").then(
        // After a write that a primary of before refuses, the next session looks for the new one.
        () => (isUsable = codeOf(err) !== READ_ONLY),
        () => undefined,
      );
    }
    throw err;
  } finally {
    client.release(!isUsable);
  }
}

/** Beyond the limit of a statement, for the server to cancel it and say so. */
const ANSWER_SLACK_MS = 2_000;

/** A database each of whose statements is work of its own, such as a transaction. */
export function eachByItself(
  schema: string,
  run: <Result>(work: (db: Database) => Promise<Result>) => Promise<Result>,
): Database {
  return { schema, query: (statement) => run((db) => db.query(statement)) };
}

/**
 * Run `work` on one state of the database: a repeatable-read transaction that may not write.
 * It holds back vacuum for as long as it lasts, so the work needs a limit of its own.
 */
export async function withSnapshot<Result>(
  pool: Pool,
  schema: string,
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await inTransaction(client, async () => {
      await client.query("set transaction isolation level repeatable read, read only");
      return await work(inSchema(client, schema));
    });
  } finally {
    client.release();
  }
}

/** A statement of a look around that takes longer on the server is cancelled. */
const STATEMENT_MS_MAX = 3_000;
/** The same for a server, or a network, that says nothing at all. */
const ANSWER_MS_MAX = 5_000;
/** After so long no other statement of the same work begins. */
const WORK_MS_MAX = 10_000;

const SCRATCH_SETTINGS = {
  search_path: "pg_catalog",
  quote_all_identifiers: "off",
  standard_conforming_strings: "on",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  extra_float_digits: "1",
  jit: "off",
  statement_timeout: String(STATEMENT_MS_MAX),
  lock_timeout: String(STATEMENT_MS_MAX),
};

/**
 * Do `work` in a transaction that is rolled back, whatever it does. Names in definitions that
 * the server prints come with their schema, since the search path is empty, and all else in them
 * is printed in one way. Throws what the work throws, or an error of the driver after at most
 * fifteen seconds.
 */
export async function inScratch<Result>(
  pool: Pool,
  schema: string,
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let isUsable = false;
  try {
    const db = inSchema(client, schema, { answerMsMax: ANSWER_MS_MAX });
    await db.query({ text: "begin isolation level read committed, not deferrable" });
    await useScratchSettings(db);
    try {
      const result = await work(hurried(db, performance.now() + WORK_MS_MAX));
      await db.query({ text: "rollback" });
      isUsable = true;
      return result;
    } catch (err) {
      // After another error the answer to the last statement may be on its way still.
      if (err instanceof DatabaseError) {
        await db.query({ text: "rollback" });
        isUsable = true;
      }
      throw err;
    }
  } finally {
    client.release(!isUsable);
  }
}

/** Have the rest of a transaction read definitions as `inScratch` does, with its short timeouts. */
export async function useScratchSettings(db: Database): Promise<void> {
  await db.query({
    text: `select set_config(name, value, true)
      from unnest($1::text[], $2::text[]) as setting (name, value)`,
    values: [Object.keys(SCRATCH_SETTINGS), Object.values(SCRATCH_SETTINGS)],
  });
}

/** Refuses statements after a moment of `performance.now()`. */
function hurried(db: Database, endsAt: number): Database {
  return {
    schema: db.schema,
    async query(statement) {
      if (performance.now() > endsAt) {
        throw new Error(`not done after ${WORK_MS_MAX / 1000} s`);
      }
      return await db.query(statement);
    },
  };
}

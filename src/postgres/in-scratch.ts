import { DatabaseError, type Pool } from "pg";
import { type Database, inSchema } from "./database.ts";

/** A statement of a look around that takes longer on the server is cancelled. */
const STATEMENT_MS_MAX = 3_000;
/** The same for a server, or a network, that says nothing at all. */
const ANSWER_MS_MAX = 5_000;
/** After so long no other statement of the same work begins. */
const WORK_MS_MAX = 10_000;

/**
 * Do `work` in a transaction that is rolled back, whatever it does. Names in definitions that
 * the server prints come with their schema, since the search path is empty. Throws what the
 * work throws, or an error of the driver after at most fifteen seconds.
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
    await db.query({ text: "begin" });
    await db.query({
      text: `select set_config('search_path', 'pg_catalog', true),
        set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)`,
      values: [String(STATEMENT_MS_MAX)],
    });
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

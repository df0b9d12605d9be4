import type { Client } from "pg";
import { type Database, inSchema } from "./database.ts";
import { USES_MAX } from "./pool.ts";

/**
 * A session for statements that may as well run on another one: it ends where one of them fails,
 * since the next would wait behind one that is not answered, and after as many as a pool's.
 */
export function endingOnError(client: Client, schema: string): Database {
  const database = inSchema(client, schema);
  let uses = 0;
  return {
    schema,
    query: async (statement) => {
      try {
        return await database.query(statement);
      } catch (err) {
        uses = USES_MAX;
        throw err;
      } finally {
        uses += 1;
        if (uses > USES_MAX) void client.end().catch(() => undefined);
      }
    },
  };
}

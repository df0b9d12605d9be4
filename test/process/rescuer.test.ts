// Goal: whether a worker lives is not judged by what it could not say while the database was away.
// Method: the real loop, on a connection that refuses its first statement.

import { expect } from "vitest";
import { type Database, inSchema } from "../../src/database/database.ts";
import { DatabaseLink } from "../../src/database/reconnect.ts";
import { createLogger } from "../../src/system/logger.ts";
import { runRescuer } from "../../src/worker/rescuer.ts";
import { test, waitFor } from "../support/connections.ts";
import { query, queryOne, startWorker } from "../support/tasks.ts";

/** The database, away for one statement. `onBack` runs after the first that it answers. */
function awayAtFirst(db: Database, onBack: () => Promise<unknown>) {
  const asked: string[] = [];
  const flaky: Database = {
    schema: db.schema,
    query: async (statement) => {
      asked.push(statement.text);
      if (asked.length === 1) {
        throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      }
      const rows = await db.query<never>(statement);
      if (asked.length === 2) {
        await onBack();
      }
      return rows;
    },
  };
  return { flaky, rescues: () => asked.slice(1).filter((text) => text.includes("rescue")).length };
}

test("a worker that comes back after the database does is not rescued", async ({ connect }) => {
  const [client, own] = [await connect(), await connect()];
  const workerId = await startWorker(client);
  await query(client, "update triaged.workers set heartbeat_at = now() - interval '1 minute'");
  const { flaky, rescues } = awayAtFirst(inSchema(own, "triaged"), () =>
    query(client, "select from triaged.heartbeat_worker($1)", [workerId]),
  );
  const logger = createLogger({ level: "silent", name: "test" });
  const stop = new AbortController();

  const running = runRescuer({
    db: flaky,
    link: new DatabaseLink(logger),
    logger,
    maxRescues: 3,
    signal: stop.signal,
    comeBackMs: 10,
  });
  await waitFor(() => rescues() > 0);
  stop.abort();
  await running;

  const { end_reason } = await queryOne(client, "select end_reason from triaged.workers");
  expect(end_reason).toBeNull();
});

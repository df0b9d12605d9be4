/** A gateway in the process of the test, on a port of its own and a real database. */
import type { Pool } from "pg";
import { pino } from "pino";
import { DatabaseHealth } from "../../src/gateway/database-health.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { QueueDoor } from "../../src/gateway/queue-door.ts";
import { buildGateway } from "../../src/gateway/server.ts";
import { poolOf } from "./databases.ts";

export type TestGateway = {
  /** Where it listens, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly app: Gateway;
  readonly health: DatabaseHealth;
  readonly pool: Pool;
};

/** Start one, and have it closed when the scope ends: `await using`. */
export async function startGateway(databaseUrl: string): Promise<TestGateway & AsyncDisposable> {
  const logger = pino({ level: "silent" });
  const pool = poolOf(databaseUrl, { connectionTimeoutMillis: 5_000 });
  const queue = new QueueDoor({ pool, schema: "triaged" });
  const health = new DatabaseHealth({ ask: () => pool.query("select"), logger });
  const app = await buildGateway({ queue, health }, { logger });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    app,
    health,
    pool,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await pool.end();
    },
  };
}

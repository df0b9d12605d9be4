import { join } from "node:path";
import type { Logger } from "pino";
import type { DatabaseUrl } from "../database-url.ts";
import { parseDatabaseUrl } from "../database-url.ts";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { startEmbedded } from "../postgres/embedded.ts";
import { removeConnection, writeConnection } from "../postgres/saved-connection.ts";

export type RunningServer = {
  readonly database: DatabaseUrl;
  /** Aborts, with the error as its reason, when the server ended and did not come back. */
  readonly lost: AbortSignal;
  readonly stop: () => Promise<void>;
};

/**
 * Run the embedded server of a data folder, where other commands find it, and start it
 * again when it dies. Throws as startEmbedded does.
 */
export async function runServer(dataFolder: string, logger: Logger): Promise<RunningServer> {
  const folder = join(dataFolder, "postgres");
  const lost = new AbortController();
  let stopping = false;
  let server = await startEmbedded({ folder });
  const { url } = server;
  await writeConnection(dataFolder, url);
  logger.info({ serverPid: server.pid, home: server.home }, "embedded PostgreSQL started");

  const keep = async () => {
    for (;;) {
      await server.exited;
      if (stopping) {
        return;
      }
      logger.error({ serverPid: server.pid }, "embedded PostgreSQL ended, starting it again");
      await server.stop();
      server = await startEmbedded({ folder });
      if (stopping) {
        await server.stop();
        return;
      }
      if (server.url !== url) {
        throw new EnvironmentError("the port of the embedded PostgreSQL was taken meanwhile", {
          hint: "start again",
          exitCode: EXIT_CODES.databaseUnreachable,
        });
      }
      logger.info({ serverPid: server.pid }, "embedded PostgreSQL started again");
    }
  };
  const kept = keep().catch((err: unknown) => lost.abort(err));

  return {
    database: parseDatabaseUrl(url),
    lost: lost.signal,
    stop: async () => {
      stopping = true;
      await removeConnection(dataFolder);
      await server.stop();
      await kept;
      logger.info("embedded PostgreSQL stopped");
    },
  };
}

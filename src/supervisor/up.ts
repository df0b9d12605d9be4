import { join } from "node:path";
import type { Logger } from "pino";
import { removeConnection, writeConnection } from "../database/connection-file.ts";
import { startEmbedded } from "../database/embedded/server.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { DatabaseConnection } from "../settings/config.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "../settings/database-url.ts";
import type { StopSignals } from "./stop-signals.ts";
import { type ProgramGroup, supervise } from "./supervise.ts";

/** Added to the time that a worker gives its tasks: it settles and says goodbye after that. */
const WORKER_MARGIN_MS = 5_000;
const JOBS_GRACE_MS = 10_000;
/** More than the gateway gives the requests that it has accepted. */
const GATEWAY_GRACE_MS = 12_000;

/**
 * The daemon of one machine: the embedded server, if the connection means that, then
 * `prepare` (the migrations), then the groups, which find the server by themselves. Stopped
 * in the opposite order. Resolves to the exit code.
 *
 * Throws an EnvironmentError when the server cannot be started or kept, above all when
 * another process runs it, and whatever `prepare` throws.
 */
export async function runUp(options: {
  readonly connection: DatabaseConnection;
  readonly prepare: (database: DatabaseUrl) => Promise<void>;
  readonly groups: readonly ProgramGroup[];
  readonly logger: Logger;
  readonly signals: Pick<StopSignals, "stop" | "kill">;
  /** Called for each process of the groups that ended, unless with exit code 0. */
  readonly onExit?: (database: DatabaseUrl, pid: number) => Promise<void>;
}): Promise<number> {
  const { connection, prepare, groups, logger, signals } = options;
  const onExitIn = (database: DatabaseUrl) => async (pid: number) =>
    await options.onExit?.(database, pid);
  const { stop, kill } = signals;
  if (connection.kind === "url") {
    await prepare(connection);
    return await supervise(groups, { logger, stop, kill, onExit: onExitIn(connection) });
  }
  const server = await runServer(connection.folder, logger);
  try {
    await prepare(server.database);
    const code = await supervise(groups, {
      logger,
      stop: AbortSignal.any([stop, server.lost]),
      kill,
      onExit: onExitIn(server.database),
    });
    server.lost.throwIfAborted();
    return code;
  } catch (err) {
    if (stop.aborted && !server.lost.aborted) {
      logger.info({ err }, "stopped while starting");
      return EXIT_CODES.done;
    }
    throw err;
  } finally {
    await server.stop();
  }
}

/** The gateway, two workers and the jobs, each as a command; `cli` is program and script. */
export function upProgramGroups(options: {
  readonly cli: readonly [string, ...string[]];
  readonly shutdownGraceMs: number;
}): ProgramGroup[] {
  const { cli, shutdownGraceMs } = options;
  return [
    { programs: [{ name: "gateway", argv: [...cli, "serve"] }], graceMs: GATEWAY_GRACE_MS },
    {
      programs: [
        { name: "worker-1", argv: [...cli, "work"] },
        { name: "worker-2", argv: [...cli, "work", "--metrics-offset", "1"] },
      ],
      graceMs: shutdownGraceMs + WORKER_MARGIN_MS,
    },
    { programs: [{ name: "jobs", argv: [...cli, "jobs"] }], graceMs: JOBS_GRACE_MS },
  ];
}

type RunningServer = {
  readonly database: DatabaseUrl;
  /** Aborts, with the error as its reason, when the server ended and did not come back. */
  readonly lost: AbortSignal;
  readonly stop: () => Promise<void>;
};

/**
 * Run the embedded server of a data folder, where other commands find it, and start it
 * again when it dies. Throws as startEmbedded does.
 */
async function runServer(dataFolder: string, logger: Logger): Promise<RunningServer> {
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

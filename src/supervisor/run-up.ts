import type { Logger } from "pino";
import type { Connection } from "../config.ts";
import type { DatabaseUrl } from "../database-url.ts";
import { EXIT_CODES } from "../errors.ts";
import { runServer } from "./run-server.ts";
import type { StopSignals } from "./stop-signals.ts";
import type { Group } from "./supervise.ts";
import { supervise } from "./supervise.ts";

/** Added to the time that a worker gives its tasks: it settles and says goodbye after that. */
const WORKER_MARGIN_MS = 5_000;
const JOBS_GRACE_MS = 10_000;

/**
 * The daemon of one machine: the embedded server, if the connection means that, then
 * `prepare` (the migrations), then the groups, which find the server by themselves. Stopped
 * in the opposite order. Resolves to the exit code.
 *
 * Throws an EnvironmentError when the server cannot be started or kept, above all when
 * another process runs it, and whatever `prepare` throws.
 */
export async function runUp(options: {
  readonly connection: Connection;
  readonly prepare: (database: DatabaseUrl) => Promise<void>;
  readonly groups: readonly Group[];
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

/** Two workers and the jobs, each as a command of the CLI; `cli` is its program and script. */
export function upGroups(options: {
  readonly cli: readonly [string, ...string[]];
  readonly shutdownGraceMs: number;
}): Group[] {
  const { cli, shutdownGraceMs } = options;
  return [
    {
      programs: [
        { name: "worker-1", argv: [...cli, "work"] },
        { name: "worker-2", argv: [...cli, "work"] },
      ],
      graceMs: shutdownGraceMs + WORKER_MARGIN_MS,
    },
    { programs: [{ name: "jobs", argv: [...cli, "jobs"] }], graceMs: JOBS_GRACE_MS },
  ];
}

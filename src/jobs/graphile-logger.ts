import { Logger as GraphileLogger } from "graphile-worker";
import type { Logger } from "pino";
import { isTransient } from "../postgres/sqlstate.ts";

/**
 * graphile-worker's log lines in ours, one level down: it reports each job and each
 * connection, and we do so ourselves. Only trouble that nobody else reports is a warning:
 * none while the session ends, since it ends for a reason that was reported.
 * What it attaches to a line holds jobs with their payloads and is left out.
 */
export function graphileLogger(
  logger: Logger,
  { isEnding }: { isEnding: () => boolean },
): GraphileLogger {
  return new GraphileLogger(() => (level, message, meta) => {
    const err = meta?.["error"];
    const line = err === undefined ? {} : { err };
    switch (level) {
      case "error":
      case "warning": {
        const reported = isEnding() || meta?.["failure"] === true || isTransient(err);
        return logger[reported ? "debug" : "warn"](line, message);
      }
      case "info":
        return logger.debug(line, message);
      case "debug":
        return logger.trace(line, message);
    }
  });
}

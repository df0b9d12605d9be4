import type { Logger } from "pino";
import type { ClaimedTask } from "../task.ts";
import type { Ending } from "./ending.ts";

/** Log the end of an attempt; `held` is whether it was recorded. */
export function logSettled(
  logger: Logger,
  settled: { readonly task: ClaimedTask; readonly ending: Ending; readonly held: boolean },
): void {
  const { task, ending, held } = settled;
  if (held && ending.error === null && !logger.isLevelEnabled("debug")) {
    return;
  }
  const { outcome, error } = ending;
  const { taskId, taskType, attempt } = task;
  const line = { taskId, taskType, attempt, outcome, error };
  if (!held && outcome === "release") {
    // Given back already: by the heartbeat thread, or by a rescue.
    logger.debug(line, "attempt was released before");
  } else if (!held) {
    logger.info(line, "lease lost; the end of the attempt is not recorded");
  } else if (error !== null) {
    logger.warn(line, "attempt settled");
  } else {
    logger.debug(line, "attempt settled");
  }
}

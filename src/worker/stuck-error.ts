import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import type { RunningAttempt } from "./attempt.ts";

/** Why a worker must end: nothing in its process can stop the handler of that attempt. */
export function stuckError({ task }: RunningAttempt, graceMs: number): EnvironmentError {
  return new EnvironmentError(
    `the handler of ${task.taskType} ignored its signal for ${graceMs} ms on task ${task.taskId}`,
    {
      hint: "pass context.signal on to what the handler waits for; the supervisor restarts this worker",
      exitCode: EXIT_CODES.stuckHandler,
    },
  );
}

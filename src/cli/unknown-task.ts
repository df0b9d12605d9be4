import { UsageError } from "./usage-error.ts";

export function unknownTask(taskId: string): UsageError {
  return new UsageError(`there is no task ${taskId}`, {
    hint: `\`triaged list\` shows the newest; \`triaged history ${taskId}\` may know one that was dropped`,
  });
}

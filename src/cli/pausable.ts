import type { Pausable } from "../postgres/pause-store.ts";
import { text } from "../setting.ts";
import { UsageError } from "./usage-error.ts";

const name = text({ max: 200 });

/** What `pause` and `resume` take. */
export const PAUSABLE = {
  args: [{ name: "QUEUE", schema: name, optional: true }],
  type: { short: "t", value: "TYPE", about: "a task type, in place of a queue", schema: name },
} as const;

/** The queue or the task type that was named; null for none. Throws a UsageError for both. */
export function pausableOf(
  queue: string | undefined,
  taskType: string | undefined,
  command: string,
): Pausable | null {
  if (queue !== undefined && taskType !== undefined) {
    throw new UsageError("expected QUEUE or --type, and not both", {
      hint: `run it twice: triaged ${command} QUEUE; triaged ${command} --type TYPE`,
    });
  }
  if (taskType !== undefined) {
    return { kind: "task type", name: taskType };
  }
  return queue === undefined ? null : { kind: "queue", name: queue };
}

import type { ClaimedTask, TaskInput } from "../../src/model/task.ts";

/** A task as a claim gives it: a first attempt at a `noop`, but for the parts given. */
export function makeClaimedTask(parts: Partial<ClaimedTask & TaskInput> = {}): ClaimedTask {
  return {
    taskId: "1",
    taskType: "noop",
    queue: "default",
    payloadText: "{}",
    attempt: 1,
    failureCount: 0,
    maxAttempts: 3,
    priority: 2,
    runAt: "2026-01-01 00:00:00+00",
    previousError: null,
    decisionText: null,
    parentTaskId: null,
    rootTaskId: null,
    metadataText: "{}",
    ...parts,
  };
}

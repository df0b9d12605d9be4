import { defineHandler } from "triaged";
import { z } from "zod";
import { noteExecution } from "../executions.ts";

/** Fails as often as its payload says, then succeeds, if there are attempts left. */
export default defineHandler({
  payload: z.object({ of: z.int(), failures: z.int() }),
  maxAttempts: 3,
  backoff: { baseMs: 200, maxMs: 2_000 },
  run: ({ of, failures }, { task: { taskId }, attempt, failureCount }) => {
    noteExecution({ taskId, attempt });
    if (failureCount < failures) {
      throw new Error(`failure ${failureCount + 1} of ${failures}`);
    }
    return { of, attempt };
  },
});

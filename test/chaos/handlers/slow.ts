import { setTimeout as delay } from "node:timers/promises";
import { defineHandler } from "triaged";
import { z } from "zod";
import { noteExecution } from "../executions.ts";

/** Holds its task for a while. */
export default defineHandler({
  payload: z.object({ of: z.int(), ms: z.int() }),
  run: async ({ of, ms }, { task: { taskId }, attempt, signal }) => {
    noteExecution({ taskId, attempt });
    await delay(ms, undefined, { signal });
    return { of, attempt };
  },
});

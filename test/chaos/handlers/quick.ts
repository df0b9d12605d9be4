import { defineHandler } from "triaged";
import { z } from "zod";
import { noteExecution } from "../executions.ts";

/** Does nothing but say that it ran. */
export default defineHandler({
  payload: z.object({ of: z.int() }),
  run: ({ of }, { task: { taskId }, attempt }) => {
    noteExecution({ taskId, attempt });
    return { of, attempt };
  },
});

import { defineHandler } from "triaged";
import { z } from "zod";
import { noteExecution } from "../executions.ts";

/** Does what a stranger's payload makes it do, up to the end of its worker. */
export default defineHandler({
  payload: z.object({ deed: z.enum(["return", "throw", "exit", "block", "garbage"]) }),
  maxAttempts: 2,
  backoff: { baseMs: 100, maxMs: 500 },
  timeout: 5_000,
  run: ({ deed }, { task: { taskId }, attempt }) => {
    noteExecution({ taskId, attempt });
    switch (deed) {
      case "throw":
        throw new Error("\0 ' ; drop table triaged.live_tasks; --".repeat(1_000));
      case "exit":
        process.kill(process.pid, "SIGKILL");
        return null;
      case "block":
        for (const until = performance.now() + 1_500; performance.now() < until; );
        return null;
      case "garbage":
        return { text: "\u{d800}\0".repeat(10_000) };
      case "return":
        return null;
    }
  },
});

/** Operations on many tasks, done batch by batch. */
import type { Database } from "../database/database.ts";
import { advanceOperation, runningOperations } from "../database/operations.ts";
import type { MaintenanceJob } from "./job.ts";

/** Operations that one run works on; the next run goes on with the rest. */
const OPERATIONS_MAX = 20;
/** The next run goes on with an operation that takes longer. */
const OPERATIONS_MS_MAX = 50_000;

/**
 * Do what people began. Added by SQL together with the operation, and each minute for those whose
 * process died: a batch is a transaction that moves the place of its operation too, so the next
 * one begins behind the last that committed.
 */
export const runOperationsJob: MaintenanceJob = {
  name: "run-operations",
  cron: "* * * * *",
  async run({ db, signal }) {
    const endsAt = performance.now() + OPERATIONS_MS_MAX;
    let operationsDone = 0;
    for (const id of await runningOperations(db, OPERATIONS_MAX)) {
      if ((await advance(db, id, () => signal.aborted || performance.now() > endsAt)) === "done") {
        operationsDone += 1;
      }
    }
    return { changes: operationsDone, detail: { operationsDone } };
  },
};

/** Batch after batch. Null where another process is at it. */
async function advance(db: Database, operationId: string, isOver: () => boolean) {
  let status: Awaited<ReturnType<typeof advanceOperation>> = "running";
  while (status === "running" && !isOver()) {
    status = await advanceOperation(db, operationId);
  }
  return status;
}

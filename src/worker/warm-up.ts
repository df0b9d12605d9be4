import { PRIORITIES } from "../lane.ts";
import type { Database } from "../postgres/database.ts";
import { claimLane, claimTasks, settleNothing } from "../postgres/task-store.ts";

/** Connections of a busy worker: one that claims, and those of the settler. */
const CONNECTIONS = 3;

/**
 * Open the connections that a busy worker needs, and have each of them make its plans. Else
 * the first tasks wait for that: 10 ms for a claim, and as much for a settle. Claims and
 * settles nothing.
 */
export async function warmUp(db: Database, workerId: string): Promise<void> {
  const lanes = PRIORITIES.map((priority) => ({ queue: "", taskType: "", priority }));
  await onEach(() => claimTasks(db, { workerId, limit: 0, lanes, inputBytesMax: 0 }));
  // For the bell's session, which is not of the pool: a function that is missing shows at start.
  const lane = { queue: "", taskType: "", priority: 0 };
  await claimLane(db, { workerId, limit: 0, lane, inputBytesMax: 0 });
  await onEach(() => settleNothing(db));
}

/** At the same time, so that each runs on a connection of its own. */
async function onEach(statement: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, statement));
}

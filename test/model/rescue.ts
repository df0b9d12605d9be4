import { unordered } from "./events.ts";
import { heldAttempts, record, taskOf, type World } from "./world.ts";

export const LEASE_MS = 15_000;
export const WORKER_NAME = "model";

/** End workers whose lease is over and take their tasks back; what became of these. */
export function rescue(world: World, maxWorkers: number, maxRescues: number) {
  const dead = [...world.workers].filter(
    ([, { endedAt, beatAt }]) => endedAt === null && beatAt < world.now - LEASE_MS,
  );
  return unordered(
    dead.slice(0, maxWorkers).flatMap(([id, worker]) => {
      worker.endedAt = world.now;
      return heldAttempts(world, id).map(({ task }) => rescueTask(world, task, maxRescues));
    }),
  );
}

function rescueTask(world: World, id: number, maxRescues: number) {
  const task = taskOf(world, id);
  const rescues = task.rescues + 1;
  const spent = rescues >= maxRescues;
  const status =
    task.cancelRequestedAt !== null ? "cancelled" : spent ? ("failed" as const) : "queued";
  const death = `worker ${task.worker} (${WORKER_NAME}) died`;
  const error = task.error === null ? death : `${task.error}; ${death}`;
  const again = { runAt: world.now, worker: null, startedAt: null };
  record(world, id, "rescue", { status, rescues, error, ...(status === "queued" ? again : {}) });
  return { task: id, status };
}

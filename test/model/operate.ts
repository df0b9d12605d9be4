import { holdOf } from "./enqueue.ts";
import { DECISION } from "./events.ts";
import { isLive, record, type World } from "./world.ts";

/** What a refused call answers. */
export const UNKNOWN = { refused: "TR001" };
export const ILLEGAL = { refused: "TR002" };

export function cancel(world: World, id: number) {
  const task = world.tasks.get(id);
  switch (task?.status) {
    case undefined:
      return UNKNOWN;
    case "started":
      if (task.cancelRequestedAt === null) {
        record(world, id, "cancel", { cancelRequestedAt: world.now });
      }
      return "requested";
    case "queued":
    case "needs_decision":
      record(world, id, "cancel", { status: "cancelled", error: "Cancelled by user" });
      return "cancelled";
    case "finished":
    case "failed":
    case "cancelled":
      return ILLEGAL;
  }
}

export function decide(world: World, id: number) {
  const task = world.tasks.get(id);
  if (task?.status !== "needs_decision") {
    return task === undefined ? UNKNOWN : ILLEGAL;
  }
  record(world, id, "decide", { status: "queued", decision: DECISION, runAt: world.now });
  return "";
}

export function retry(world: World, id: number) {
  const task = world.tasks.get(id);
  if (task === undefined) {
    return UNKNOWN;
  }
  const held = task.key === null ? undefined : holdOf(world, task.key);
  const taken = held !== undefined && held.task !== id && isLive(world, held.task);
  if ((task.status !== "failed" && task.status !== "cancelled") || taken) {
    return ILLEGAL;
  }
  if (task.key !== null) {
    world.keys.set(task.key, { task: id, until: held?.until ?? Number.NEGATIVE_INFINITY });
  }
  const nothing = { result: null, prompt: null, decision: null, progress: null, startedAt: null };
  record(
    world,
    id,
    "retry",
    {
      ...nothing,
      status: "queued",
      runAt: world.now,
      failures: 0,
      rescues: 0,
      worker: null,
      cancelRequestedAt: null,
    },
    // It waits, as one that was just enqueued does: nobody held it, and nothing ended.
    { worker: null, duration: null },
  );
  return "";
}

import type { Event, Told } from "./events.ts";
import { record, type Task, taskOf, type World } from "./world.ts";

type Claim = Extract<Event, { readonly on: "claim" }>;

/**
 * Claim what the queue gave out, and answer with it. Where it had no right to give that, the
 * answer says what it might have given: within a priority the order of the queues is open.
 */
export function claim(world: World, { worker, max, lane }: Claim, given: readonly Told[]) {
  const due = dueFor(world, worker).filter((id) => lane === null || isIn(lane, taskOf(world, id)));
  const taken = new Set(given.map(({ task }) => task));
  const fair =
    taken.size === given.length &&
    given.length === Math.min(max, due.length) &&
    given.every(({ task }) => due.includes(task)) &&
    due.every((left) => taken.has(left) || given.every((got) => !before(world, left, got.task)));
  if (!fair) {
    return { due, max };
  }
  return given.map(({ task: id }) => {
    const task = taskOf(world, id);
    const attempt = task.attempts + 1;
    record(world, id, "claim", {
      status: "started",
      attempts: attempt,
      worker,
      startedAt: world.now,
      progress: null,
    });
    world.attempts.push({ task: id, attempt });
    return { task: id, attempt };
  });
}

function dueFor(world: World, workerId: number): number[] {
  const worker = world.workers.get(workerId);
  if (worker === undefined || worker.endedAt !== null) {
    return [];
  }
  const isDue = ({ status, runAt, queue }: Task) =>
    status === "queued" &&
    runAt <= world.now &&
    worker.queues.includes(queue) &&
    !world.paused.has(queue);
  return [...world.tasks].filter(([, task]) => isDue(task)).map(([id]) => id);
}

function isIn(lane: NonNullable<Claim["lane"]>, { queue, priority }: Task): boolean {
  return queue === lane.queue && priority === lane.priority;
}

/** Whether one task must go out before another one. */
function before(world: World, firstId: number, secondId: number): boolean {
  const [first, second] = [taskOf(world, firstId), taskOf(world, secondId)];
  if (first.priority !== second.priority) {
    return first.priority < second.priority;
  }
  return (
    first.queue === second.queue &&
    (first.runAt === second.runAt ? firstId < secondId : first.runAt < second.runAt)
  );
}

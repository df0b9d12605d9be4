import type { Enqueue } from "./events.ts";
import { isLive, record, type Task, taskOf, type World } from "./world.ts";

export type Enqueued = { readonly task: number; readonly outcome: string };

const NEVER = Number.NEGATIVE_INFINITY;

/** Enqueue; a task that is created gets the id that the queue gave it. */
export function enqueue(world: World, given: Enqueue, id: number): Enqueued {
  const until = given.window === null ? NEVER : world.now + given.window;
  const held = given.key === null ? undefined : holdOf(world, given.key);
  if (given.key === null || held === undefined) {
    return create(world, given, id, until);
  }
  const duplicate = { task: held.task, outcome: "duplicate" };
  if (given.mode === "keep" || !isLive(world, held.task)) {
    return duplicate;
  }
  const longer = Math.max(held.until, until);
  if (taskOf(world, held.task).status !== "queued") {
    return create(world, given, id, longer);
  }
  world.keys.set(given.key, { task: held.task, until: longer });
  record(world, held.task, "replace", { ...settingsOf(world, given), failures: 0, error: null });
  return { task: held.task, outcome: "replaced" };
}

/** Who holds a key: its task while that is live, and until the window is over. */
export function holdOf(world: World, key: string) {
  const held = world.keys.get(key);
  return held !== undefined && (held.until > world.now || isLive(world, held.task))
    ? held
    : undefined;
}

/** Forget the keys that nobody holds; how many there were. */
export function expireKeys(world: World): number {
  const free = [...world.keys.keys()].filter((key) => holdOf(world, key) === undefined);
  for (const key of free) {
    world.keys.delete(key);
  }
  return free.length;
}

function create(world: World, given: Enqueue, id: number, until: number): Enqueued {
  const task: Task = {
    ...settingsOf(world, given),
    status: "queued",
    attempts: 0,
    failures: 0,
    rescues: 0,
    worker: null,
    cancelRequestedAt: null,
    progress: null,
    result: null,
    error: null,
    prompt: null,
    decision: null,
    key: given.key,
    startedAt: null,
    endedAt: null,
  };
  world.tasks.set(id, task);
  if (given.key !== null) {
    world.keys.set(given.key, { task: id, until });
  }
  record(world, id, "enqueue", {});
  return { task: id, outcome: "created" };
}

function settingsOf(world: World, { queue, priority, delay, maxAttempts }: Enqueue) {
  return {
    queue,
    priority,
    runAt: world.now + (delay ?? 0),
    maxAttempts: maxAttempts ?? world.defaultMaxAttempts,
  };
}

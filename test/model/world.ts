import { isFinal, type TaskEvent, type TaskStatus } from "../../src/model/task-status.ts";

/** Instants and durations are milliseconds; instants count from the start of the sequence. */
export type Task = {
  queue: string;
  priority: number;
  status: TaskStatus;
  runAt: number;
  attempts: number;
  failures: number;
  maxAttempts: number;
  rescues: number;
  worker: number | null;
  cancelRequestedAt: number | null;
  progress: number | null;
  result: unknown;
  error: string | null;
  prompt: string | null;
  decision: unknown;
  key: string | null;
  startedAt: number | null;
  endedAt: number | null;
};

/** A row of history. */
export type Entry = {
  event: TaskEvent | "enqueue" | "replace";
  status: TaskStatus;
  attempt: number;
  worker: number | null;
  byWorker: boolean;
  error: string | null;
  wait: number | null;
  duration: number | null;
  detail: unknown;
};

export type Worker = { queues: readonly string[]; beatAt: number; endedAt: number | null };

export type Attempt = { readonly task: number; readonly attempt: number };

/** All that the queue knows, by id. */
export type World = {
  now: number;
  tasks: Map<number, Task>;
  history: Map<number, Entry[]>;
  workers: Map<number, Worker>;
  keys: Map<string, { task: number; until: number }>;
  paused: Set<string>;
  /** What the workers declared for the one task type. */
  defaultMaxAttempts: number;
  /** Every claim that there was, the oldest first. */
  attempts: Attempt[];
};

export function newWorld(): World {
  return {
    now: 0,
    tasks: new Map(),
    history: new Map(),
    workers: new Map(),
    keys: new Map(),
    paused: new Set(),
    defaultMaxAttempts: 3,
    attempts: [],
  };
}

const BY_WORKER: ReadonlySet<string> = new Set([
  "claim",
  "finish",
  "fail",
  "snooze",
  "release",
  "rescue",
  "ask",
]);

/** Change a task and tell so in its history. */
export function record(
  world: World,
  id: number,
  event: Entry["event"],
  change: Partial<Task>,
  tell: Partial<Entry> = {},
): void {
  const task = taskOf(world, id);
  const before = { ...task };
  Object.assign(task, change);
  task.endedAt = isFinal(task.status) ? world.now : null;
  historyOf(world, id).push({
    event,
    status: task.status,
    attempt: task.attempts,
    worker: task.worker ?? before.worker,
    byWorker: BY_WORKER.has(event),
    // Told once, with the event that made it.
    error: isFinal(task.status) || event === "fail" || event === "rescue" ? task.error : null,
    wait: event === "claim" ? Math.max(0, Math.floor(world.now - task.runAt)) : null,
    duration:
      before.startedAt !== null && task.status !== "started" ? world.now - before.startedAt : null,
    detail: null,
    ...tell,
  });
}

/** The task that an attempt holds; undefined for one that lost it. */
export function heldBy(world: World, { task: id, attempt }: Attempt): Task | undefined {
  const task = world.tasks.get(id);
  return task?.status === "started" && task.attempts === attempt ? task : undefined;
}

/** The attempts that hold their tasks, of one worker or of all. */
export function heldAttempts(world: World, worker?: number): Attempt[] {
  return world.attempts.filter((each) => {
    const task = heldBy(world, each);
    return task !== undefined && (worker === undefined || task.worker === worker);
  });
}

export function isLive(world: World, id: number): boolean {
  const task = world.tasks.get(id);
  return task !== undefined && !isFinal(task.status);
}

export function taskOf(world: World, id: number): Task {
  const task = world.tasks.get(id);
  if (task === undefined) {
    throw new Error(`the model has no task ${id}`);
  }
  return task;
}

function historyOf(world: World, id: number): Entry[] {
  const entries = world.history.get(id) ?? [];
  world.history.set(id, entries);
  return entries;
}

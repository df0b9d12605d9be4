import { type EventEmitter, once } from "node:events";
import type { WorkerEvents } from "graphile-worker";
import type { ClientBase } from "pg";

/** What graphile-worker's events tell of its state. */
export type Watch = {
  /** Resolves when a job was asked for, and what was missed is enqueued. */
  readonly ready: Promise<unknown>;
  /** Resolves with the first error that is not a job's. */
  readonly trouble: Promise<unknown>;
  readonly isTroubled: () => boolean;
  /** Report trouble that it does not know of. */
  readonly fail: (err: unknown) => void;
  /** Resolves with the name under which the runner holds jobs. */
  readonly runnerId: Promise<string>;
  /** The connection on which it listens, once it does. */
  readonly listener: () => ClientBase | null;
  /**
   * Resolves when it asks for no job. To stop it while it does is safe, but when that
   * fails it prints a stack trace, past every logger. (It still does so when it stops
   * itself, which it does when it cannot record the end of a job.)
   */
  readonly idle: () => Promise<void>;
};

/** How a question for a job ends. */
const ANSWERS = ["worker:getJob:empty", "worker:getJob:error", "job:start"] as const;

/** Begin to watch a runner, before it starts. */
export function watch(events: WorkerEvents): Watch {
  const trouble = Promise.withResolvers<unknown>();
  let isTroubled = false;
  const fail = (err: unknown) => {
    isTroubled = true;
    trouble.resolve(err);
  };
  for (const name of ["pool:listen:error", "worker:getJob:error", "pool:fatalError"] as const) {
    events.on(name, ({ error }) => fail(error));
  }
  const runnerId = Promise.withResolvers<string>();
  events.on("pool:create", ({ workerPool }) => runnerId.resolve(workerPool.id));
  let listener: ClientBase | null = null;
  events.on("pool:listen:success", ({ client }) => {
    listener = client;
  });
  const asking = new Set<unknown>();
  events.on("worker:getJob:start", ({ worker }) => asking.add(worker));
  for (const name of ANSWERS) {
    events.on(name, ({ worker }) => asking.delete(worker));
  }
  return {
    ready: Promise.all([
      onceAny(events, ["worker:getJob:empty", "job:start"]),
      once(events, "cron:started"),
    ]),
    trouble: trouble.promise,
    isTroubled: () => isTroubled,
    fail,
    runnerId: runnerId.promise,
    listener: () => listener,
    idle: async () => {
      while (asking.size > 0) {
        await onceAny(events, ANSWERS);
      }
    },
  };
}

async function onceAny(events: EventEmitter, names: readonly string[]): Promise<void> {
  const first = new AbortController();
  const { signal } = first;
  try {
    await Promise.race(names.map((name) => once(events, name, { signal })));
  } finally {
    first.abort();
  }
}

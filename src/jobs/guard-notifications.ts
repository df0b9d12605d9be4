import type { ClientBase } from "pg";
import { z } from "zod";

/** So often, at most, a notification of new jobs is passed on, for all that came meanwhile. */
const NUDGE_MS = 100;
/** So often, at most, one of a migration is looked into. */
const MIGRATED_MS = 1_000;

const Notification = z.object({ channel: z.string() });

/**
 * Stand between the server and graphile-worker's listener, on a client of its pool. Anybody who
 * may connect can notify: each `jobs:insert` is a question for a job, and a `worker:migrate` that
 * says so stops the runner and sets the exit code of the process. Here the former asks each worker
 * of the runner once, for all that came, and the latter counts when `isOutdated` bears it out.
 */
export function guardNotifications(
  client: ClientBase,
  { isOutdated }: { isOutdated: () => Promise<boolean> },
): void {
  const emit = client.emit.bind(client);
  const pass = (channel: string, payload: object) => {
    emit("notification", { channel, payload: JSON.stringify(payload) });
  };
  const nudge = atMostEvery(NUDGE_MS, () => {
    pass("jobs:insert", { count: Number.MAX_SAFE_INTEGER });
  });
  const migrated = atMostEvery(MIGRATED_MS, () => {
    void isOutdated().then(
      (yes) => yes && pass("worker:migrate", { breaking: true }),
      () => false, // The runner meets a lost database by itself.
    );
  });
  client.emit = (name, ...said) => {
    if (name !== "notification") {
      return emit(name, ...said);
    }
    const { data } = Notification.safeParse(said[0]);
    if (data?.channel === "jobs:insert") {
      nudge();
    } else if (data?.channel === "worker:migrate") {
      migrated();
    }
    return true;
  };
}

/** Call it now, or once when that time is over since the last call. */
function atMostEvery(ms: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  const run = () => {
    isAsked = false;
    call();
    timer = setTimeout(() => {
      timer = undefined;
      if (isAsked) run();
    }, ms).unref();
  };
  return () => {
    isAsked = true;
    if (timer === undefined) run();
  };
}

import type { Client } from "pg";
import { now } from "../frame/report.ts";
import { waitFor } from "../frame/wait-for.ts";
import { callsOf } from "./calls-of.ts";
import { HANDLERS, startWorker } from "./triaged.ts";

const START_MS_MAX = 120_000;
const WORK_MS_MAX = 300_000;
const QUEUE = "default";
/** More of them starve each other of the processor until connections time out. */
const STARTED_AT_ONCE = 8;

/** When the gate opened, the first handler started, and the last end was committed. */
export type WorkedOff = {
  readonly openedAt: bigint;
  readonly firstAt: bigint;
  readonly emptyAt: bigint;
};

/**
 * Have worker processes work off what waits, all of them up before the first task may start:
 * they find the queue paused, and the clock runs from its resumption. The handlers call
 * countCall. When this resolves, the workers are gone and so are their sessions.
 */
export async function workOff(
  client: Client,
  options: {
    readonly url: string;
    readonly workers: number;
    readonly concurrency: number;
    readonly tasks: number;
    readonly handlers?: string;
  },
): Promise<WorkedOff> {
  const { url, tasks, concurrency, handlers = HANDLERS } = options;
  await client.query("select triaged.pause_queue($1)", [QUEUE]);
  await using running = new AsyncDisposableStack();
  const workers: ReturnType<typeof startWorker>[] = [];
  for (let place = 0; place < options.workers; place += 1) {
    const words = ["--concurrency", String(concurrency), "--name", `worker-${place}`];
    workers.push(running.use(startWorker(url, words, handlers)));
    if (workers.length % STARTED_AT_ONCE === 0 || workers.length === options.workers) {
      await waitFor(async () => (await countAwake(client)) === workers.length, {
        limitMs: START_MS_MAX,
        whileRunning: workers,
      });
    }
  }
  const calls = callsOf(workers);
  const openedAt = now();
  await client.query("select triaged.resume_queue($1)", [QUEUE]);
  await waitFor(() => calls.count() >= tasks, {
    limitMs: WORK_MS_MAX,
    everyMs: 2,
    whileRunning: workers,
  });
  await waitFor(() => isEmpty(client), { limitMs: WORK_MS_MAX, everyMs: 1, whileRunning: workers });
  const emptyAt = now();
  await Promise.all(workers.map((worker) => worker.kill()));
  await waitFor(() => isAlone(client), { limitMs: START_MS_MAX });
  return { openedAt, firstAt: calls.firstAt(), emptyAt };
}

async function countAwake(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer as count from triaged.workers
     where ended_at is null and has_session_lock`,
  );
  return rows[0]?.count ?? 0;
}

export async function isEmpty(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ empty: boolean }>(
    "select not exists (select from triaged.live_tasks) as empty",
  );
  return rows[0]?.empty === true;
}

/** A session that ended has told the statistics what it saw, its deadlocks among that. */
async function isAlone(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ alone: boolean }>(
    `select count(*) = 1 as alone from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend'`,
  );
  return rows[0]?.alone === true;
}

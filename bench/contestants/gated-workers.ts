import type { Client } from "pg";
import type { Child } from "../frame/child.ts";
import { now } from "../frame/report.ts";
import { waitFor } from "../frame/wait-for.ts";
import { HANDLERS, startWorker } from "./triaged.ts";

const START_MS_MAX = 120_000;
const WORK_MS_MAX = 300_000;
const QUEUE = "default";

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
  const workers = Array.from({ length: options.workers }, (_, place) => {
    const words = ["--concurrency", String(concurrency), "--name", `worker-${place}`];
    return running.use(startWorker(url, words, handlers));
  });
  const whileRunning = oneOf(workers);
  const tally = tallyOf(workers);
  await waitFor(async () => (await countAwake(client)) === workers.length, {
    limitMs: START_MS_MAX,
    whileRunning,
  });
  const openedAt = now();
  await client.query("select triaged.resume_queue($1)", [QUEUE]);
  await waitFor(() => tally.calls() >= tasks, { limitMs: WORK_MS_MAX, everyMs: 2, whileRunning });
  await waitFor(() => isEmpty(client), { limitMs: WORK_MS_MAX, everyMs: 1, whileRunning });
  const emptyAt = now();
  await Promise.all(workers.map((worker) => worker.kill()));
  await waitFor(() => isAlone(client), { limitMs: START_MS_MAX });
  return { openedAt, firstAt: tally.firstAt(), emptyAt };
}

/** Rejects as soon as one of them fails. */
function oneOf(workers: readonly Child[]): Pick<Child, "ended"> {
  const ended = Promise.race(workers.map((worker) => worker.ended));
  ended.catch(() => undefined);
  return { ended };
}

function tallyOf(workers: readonly Child[]) {
  const calls = workers.map(() => 0);
  const firsts: bigint[] = [];
  for (const [place, worker] of workers.entries()) {
    worker.onTally((tally) => {
      calls[place] = tally.calls;
    });
    worker.onReport(({ event, at }) => {
      if (event === "first") {
        firsts.push(BigInt(at));
      }
    });
  }
  return {
    calls: () => calls.reduce((sum, count) => sum + count, 0),
    firstAt: () => firsts.reduce((first, at) => (at < first ? at : first)),
  };
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

import { setTimeout as delay } from "node:timers/promises";
import { type Client, Pool } from "pg";
import { KEPT_DAYS, triagedWithExpiredDay } from "./contestants/expired-day.ts";
import { isEmpty } from "./contestants/gated-workers.ts";
import { expectCount, startWorker } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import { startSteadyLoad } from "./frame/steady-load.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 10;
/** One enqueue in so many milliseconds, by as many connections as it takes. */
const EVERY_MS = 2;
const PRODUCERS = 4;
/** Tasks that start before anything counts. */
const WARM_UP = 500;
/** Before the drop, for comparison; and after it, for what it leaves behind. */
const QUIET_MS = 2_000;
const AFTER_MS = 1_000;
const START_MS_MAX = 30_000;
/** Each waits 100 ms for each lock. */
const TRIES_MAX = 50;

export const retention: Bench = {
  name: "retention",
  question: "What does dropping an expired day cost a worker that is at work?",
  tasksAre: "finished tasks in the day that is dropped, with three history rows each",
  sizes: { full: { rounds: 3, tasks: 1_000_000 }, smoke: { rounds: 1, tasks: 5_000 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestant = triagedWithExpiredDay({ tasks, concurrency: CONCURRENCY });
    return {
      columns: [
        { key: "dropMs", title: "drop, ms", digits: 0 },
        { key: "tries", title: "tries, most", digits: 0, over: "max" },
        { key: "startGap", title: "longest gap between starts, ms", digits: 0 },
        { key: "startGapBefore", title: "in the 2 s before", digits: 0 },
        { key: "settleGap", title: "longest gap between settles, ms", digits: 0 },
        { key: "settleGapBefore", title: "in the 2 s before", digits: 0 },
      ],
      rows: await inRounds([contestant], rounds, async (_, round) => {
        const figures = await stage.withDatabase(contestant, (url) =>
          withClient(url, async (client) => {
            await stage.settleDown(client);
            return await dropUnderLoad(client, url);
          }),
        );
        stage.note(
          `round ${round + 1}: dropped in ${figures.dropMs.toFixed()} ms, longest gap ` +
            `${figures.startGap.toFixed()} ms (${figures.startGapBefore.toFixed()} ms before)`,
        );
        return figures;
      }),
    };
  },
};

async function dropUnderLoad(client: Client, url: string) {
  await using worker = startWorker(url, ["--concurrency", String(CONCURRENCY)]);
  const starts: bigint[] = [];
  worker.onReport(({ at }) => starts.push(BigInt(at)));
  const producers = new Pool({ connectionString: url, max: PRODUCERS });
  const load = startSteadyLoad(EVERY_MS, () =>
    producers.query("select task_id from triaged.enqueue_task('ping', '{}')"),
  );
  try {
    await waitFor(() => starts.length >= WARM_UP, { limitMs: START_MS_MAX, whileRunning: worker });

    const quiet = await spanOf(client, () => delay(QUIET_MS));
    let drop = { tries: 0, tookMs: 0 };
    const busy = await spanOf(client, async () => {
      drop = await dropDay(client);
      await delay(AFTER_MS);
    });

    const enqueued = await load.stop();
    await waitFor(() => starts.length >= enqueued, { limitMs: START_MS_MAX, whileRunning: worker });
    await waitFor(() => isEmpty(client), { limitMs: START_MS_MAX });
    await check(client, enqueued);
    return {
      dropMs: drop.tookMs,
      tries: drop.tries,
      startGap: longestGapMs(starts, busy),
      startGapBefore: longestGapMs(starts, quiet),
      settleGap: await longestSettleGapMs(client, busy),
      settleGapBefore: await longestSettleGapMs(client, quiet),
    };
  } finally {
    // Also where something above failed: the process would enqueue for ever.
    await load.stop().catch(() => undefined);
    await producers.end();
  }
}

/** A stretch of time, by the clock of this machine and by the server's. */
type Span = {
  readonly from: bigint;
  readonly to: bigint;
  readonly serverFrom: string;
  readonly serverTo: string;
};

async function spanOf(client: Client, act: () => Promise<unknown>): Promise<Span> {
  const serverFrom = await serverTime(client);
  const from = now();
  await act();
  const to = now();
  return { from, to, serverFrom, serverTo: await serverTime(client) };
}

async function serverTime(client: Client): Promise<string> {
  const { rows } = await client.query<{ at: string }>("select clock_timestamp()::text as at");
  return rows[0]?.at ?? "";
}

/** As the job does it: a partition whose lock is not to be had is left for the next run. */
async function dropDay(client: Client): Promise<{ tries: number; tookMs: number }> {
  const from = now();
  let dropped = 0;
  let tries = 0;
  while (dropped < 2) {
    if (tries === TRIES_MAX) {
      throw new Error(`expected both partitions to be dropped in ${TRIES_MAX} tries`);
    }
    tries += 1;
    const { rows } = await client.query(
      "select dropped from triaged.drop_expired_partitions($1, $1) as dropped",
      [KEPT_DAYS],
    );
    dropped += rows.length;
  }
  return { tries, tookMs: millisecondsBetween(from, now()) };
}

/** Between the starts of the span, and from the last one before it to the first one after it. */
function longestGapMs(starts: readonly bigint[], { from, to }: Span): number {
  const inOrder = starts.toSorted((a, b) => (a < b ? -1 : 1));
  return inOrder.reduce((longest, at, place) => {
    const before = inOrder[place - 1];
    return before === undefined || at < from || before > to
      ? longest
      : Math.max(longest, millisecondsBetween(before, at));
  }, 0);
}

/** Between the beginnings of transactions that settled: one that hangs shows as a gap. */
async function longestSettleGapMs(client: Client, { serverFrom, serverTo }: Span): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    `select coalesce(extract(epoch from max(at - before)) * 1000, 0)::double precision as ms
     from (
       select at, lag(at) over (order by at) as before
       from (select distinct at from triaged.task_history where event = 'finish') as settle
     ) as gap
     where at > $1 and before < $2`,
    [serverFrom, serverTo],
  );
  return rows[0]?.ms ?? 0;
}

/** The old day is gone with its history, and all that was enqueued meanwhile has ended. */
async function check(client: Client, enqueued: number): Promise<void> {
  await expectCount(client, "select count(*) from triaged.final_tasks where status = 'finished'", {
    count: enqueued,
  });
  await expectCount(
    client,
    "select count(*) from triaged.task_history where event in ('enqueue', 'finish')",
    { count: 2 * enqueued },
  );
}

import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { migrateSchema } from "../src/database/migrate/migrate.ts";
import { freePort } from "../test/support/folders-and-ports.ts";
import { startReplicated } from "../test/support/own-servers.ts";
import { startHttpProducer } from "../test/support/steady-producer.ts";
import { startGatewayProcess, startWorker } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { waitFor } from "./frame/wait-for.ts";

/** Their `noop` takes any payload. */
const HANDLERS_OF_TESTS = path.join(import.meta.dirname, "..", "test", "fixtures", "handlers");
const START_MS_MAX = 30_000;
const FOLLOW_MS_MAX = 60_000;
/** Tasks that are acknowledged after a promotion before a round ends. */
const MORE = 20;

type Round = { promotionMs: number; firstClaimMs: number; firstEnqueueMs: number; lost: number };

export const failover: Bench = {
  name: "failover",
  question: "How long after a promotion does a worker claim, and is anything lost?",
  tasksAre: "ms between kill -9 of the primary and the promotion of its synchronous standby",
  sizes: { full: { rounds: 12, tasks: 5_000 }, smoke: { rounds: 1, tasks: 100 } },
  measure: async (stage, { rounds, tasks: awayMs }) => {
    const values: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const figures = await failOnce(awayMs);
      stage.note(`round ${round + 1}: first claim after ${figures.firstClaimMs.toFixed()} ms`);
      values.push(figures);
    }
    const of = (key: keyof Round) => values.map((each) => each[key]);
    return {
      columns: [
        { key: "promotionMs", title: "the promotion itself, ms", digits: 0 },
        { key: "firstClaimMs", title: "first claim after it, ms", digits: 0 },
        { key: "firstClaimMs", title: "slowest round, ms", digits: 0, over: "max" },
        { key: "firstEnqueueMs", title: "first enqueue acknowledged after it, ms", digits: 0 },
        { key: "lost", title: "acknowledged and lost, most", digits: 0, over: "max" },
      ],
      rows: [
        {
          contestant: "triaged",
          settings:
            "one `triaged work`, one `triaged serve` with a producer over HTTP, both servers in the " +
            "URL, all else default; two servers of Debian's PostgreSQL 15 of its own, fsync on, " +
            `synchronous_standby_names set; promoted ${awayMs} ms after the kill`,
          values: {
            promotionMs: of("promotionMs"),
            firstClaimMs: of("firstClaimMs"),
            firstEnqueueMs: of("firstEnqueueMs"),
            lost: of("lost"),
          },
        },
      ],
    };
  },
};

/** From the moment at which the standby takes writes, by the clock that all of them share. */
async function failOnce(awayMs: number): Promise<Round> {
  await using servers = await startReplicated({ fsync: "on" });
  const { primary, standby, url } = servers;
  await migrateSchema({ connectionString: primary.url }, { rolePrefix: "triaged" });
  const port = await freePort();
  await using worker = startWorker(url, [], HANDLERS_OF_TESTS);
  await using gateway = startGatewayProcess(url, { PORT: String(port) });
  const address = `http://127.0.0.1:${port}`;
  const limits = { limitMs: START_MS_MAX, whileRunning: [worker, gateway] };
  await waitFor(async () => (await fetch(`${address}/ready`).catch(() => null))?.ok === true, {
    ...limits,
    everyMs: 50,
  });
  await using producer = startHttpProducer(address);
  await producer.enqueueMore(MORE);
  await primary.kill();
  await delay(awayMs);

  const killed = producer.acknowledged().length;
  const calledMs = Date.now();
  await standby.promote();
  const promotedMs = Date.now();
  await waitFor(() => producer.acknowledged().length > killed, {
    limitMs: FOLLOW_MS_MAX,
    everyMs: 1,
    whileRunning: [worker, gateway],
  });
  const enqueuedMs = Date.now();
  await producer.enqueueMore(MORE);
  await producer.stop();
  return await withClient(standby.url, async (client) => {
    const first = async () => {
      const { rows } = await client.query<{ ms: number | null }>(
        `select extract(epoch from min(at))::double precision * 1000 as ms
         from triaged.task_history where event = 'claim' and at > to_timestamp($1 / 1000.0)`,
        [calledMs],
      );
      return rows[0]?.ms ?? null;
    };
    await waitFor(
      async () => {
        const { rows } = await client.query("select from triaged.live_tasks limit 1");
        return rows.length === 0;
      },
      { limitMs: FOLLOW_MS_MAX, everyMs: 20, whileRunning: [worker, gateway] },
    );
    const { rows } = await client.query<{ lost: number }>(
      `select count(*)::integer as lost from unnest($1::bigint[]) as acknowledged (task_id)
       where (
         select count(*) from triaged.task_history as history
         where history.task_id = acknowledged.task_id and event = 'finish'
       ) <> 1`,
      [producer.acknowledged()],
    );
    return {
      promotionMs: promotedMs - calledMs,
      // Before `pg_ctl promote --wait` has noticed: it looks ten times a second.
      firstClaimMs: Math.max(0, ((await first()) ?? Number.NaN) - promotedMs),
      firstEnqueueMs: Math.max(0, enqueuedMs - promotedMs),
      lost: rows[0]?.lost ?? Number.NaN,
    };
  });
}

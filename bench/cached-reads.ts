import type { Client } from "pg";
import { createClient } from "../src/client/client.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

/** Tasks that are read, in turns. */
const TASKS = 1_000;
const PAYLOAD = JSON.stringify({ text: "x".repeat(1_000) });
const START_MS_MAX = 30_000;

export const cachedReads: Bench = {
  name: "cached-reads",
  question: "How long does a read of a task take, from memory and from the database?",
  tasksAre: `reads of ${TASKS} tasks with a kilobyte each, one after the other`,
  sizes: { full: { rounds: 3, tasks: 20_000 }, smoke: { rounds: 1, tasks: 200 } },
  measure: async (stage, { rounds, tasks: reads }) =>
    await stage.withDatabase(triaged({ concurrency: 1 }), (url) =>
      withClient(url, async (client) => {
        const ids = await fill(client);
        const contestants = [
          { name: "cached", settings: "client.get(id, { cached: true })", cached: true },
          { name: "database", settings: "client.get(id)", cached: false },
        ];
        return {
          columns: [
            { key: "p50", title: "p50 us", digits: 0 },
            { key: "p99", title: "p99 us", digits: 0 },
            { key: "hits", title: "hits %", digits: 1 },
          ],
          rows: await inRounds(contestants, rounds, async ({ name, cached }, round) => {
            const figures = await timesOf(url, ids, { reads, cached });
            stage.note(`round ${round + 1}: ${name} p99 ${figures.p99.toFixed(0)} us`);
            return figures;
          }),
        };
      }),
    ),
};

async function fill(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ task_id: string }>(
    `select (triaged.enqueue_task('noop', $1)).task_id::text from generate_series(1, $2)`,
    [PAYLOAD, TASKS],
  );
  return rows.map(({ task_id }) => task_id);
}

async function timesOf(
  url: string,
  ids: readonly string[],
  { reads, cached }: { reads: number; cached: boolean },
) {
  const queue = createClient({ connectionString: url });
  try {
    // The first reads find that nobody follows history yet.
    await waitFor(
      async () => {
        await queue.get(ids[0] ?? "", { cached });
        return !cached || (await queue.cachedReads()).hits > 0;
      },
      { limitMs: START_MS_MAX },
    );
    for (const id of ids) await queue.get(id, { cached });
    const before = await queue.cachedReads();
    const tookUs: number[] = [];
    for (let read = 0; read < reads; read += 1) {
      const startedMs = performance.now();
      await queue.get(ids[read % ids.length] ?? "", { cached });
      tookUs.push((performance.now() - startedMs) * 1_000);
    }
    const { hits } = await queue.cachedReads();
    return {
      p50: quantile(tookUs, 0.5),
      p99: quantile(tookUs, 0.99),
      hits: ((hits - before.hits) * 100) / reads,
    };
  } finally {
    await queue.close();
  }
}

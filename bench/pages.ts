import { Pool } from "pg";
import { pino } from "pino";
import { inSchema } from "../src/database/database.ts";
import { QueueReader } from "../src/metrics/queue-figures.ts";
import { freePort } from "../test/support/folders-and-ports.ts";
import { fillDays } from "./contestants/answered-days.ts";
import { startGatewayProcess, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";
import { foldAll } from "./questions.ts";

/** How often each is asked in a round, after some that do not count. */
const ASKED = 40;
const WARM_UP = 3;
const START_MS_MAX = 60_000;
const LIMIT_MS = 50;

const PAGES = [
  "/metrics",
  "/api/tasks?limit=100",
  "/api/tasks?status=failed",
  "/api/tasks?status=queued",
  "/api/tasks?type=type_3",
  "/api/tasks?queue=rare",
  "/api/tasks?type=type_3&status=failed",
  "/api/queues",
  "/api/agent/tasks?limit=20",
];

export const pages: Bench = {
  name: "pages",
  question: "How long do /metrics and lists over HTTP take beside millions of final tasks?",
  tasksAre: "final tasks, of which one in a hundred failed; a tenth as many wait",
  sizes: { full: { rounds: 1, tasks: 10_000_000 }, smoke: { rounds: 1, tasks: 20_000 } },
  measure: async (stage, { rounds, tasks }) =>
    await stage.withDatabase(triaged({ concurrency: 1 }), async (url) => {
      await withClient(url, async (client) => {
        await fillDays(client, tasks, stage.note);
        stage.note(await foldAll(inSchema(client)));
        await stage.settleDown(client);
      });
      const port = await freePort();
      await using _serve = startGatewayProcess(url, { PORT: String(port) });
      const get = async (path: string) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        await answer.text();
        if (!answer.ok) throw new Error(`expected ${path} to be answered, got ${answer.status}`);
      };
      await waitFor(
        () =>
          get("/ready").then(
            () => true,
            () => false,
          ),
        { limitMs: START_MS_MAX },
      );
      const pool = new Pool({ connectionString: url, max: 1 });
      const reader = new QueueReader({
        pool,
        schema: "triaged",
        logger: pino({ level: "silent" }),
      });
      const figures = async () => {
        if ((await reader.read()) === null) throw new Error("expected figures, got none in time");
      };
      const asked = [
        { name: "figures of the queue for /metrics, not cached", ask: figures },
        ...PAGES.map((path) => ({ name: `GET ${path}`, ask: () => get(path) })),
      ].map((each) => ({ ...each, settings: `p95 at most ${LIMIT_MS} ms` }));
      const rows = await inRounds(asked, rounds, async ({ name, ask }, round) => {
        const tookMs: number[] = [];
        for (let time = -WARM_UP; time < ASKED; time += 1) {
          const before = performance.now();
          await ask();
          if (time >= 0) tookMs.push(performance.now() - before);
        }
        const found = { p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95) };
        stage.note(`round ${round + 1}: ${name} p95 ${found.p95.toFixed(1)} ms`);
        return { ...found, limit: LIMIT_MS };
      });
      await pool.end();
      return {
        columns: [
          { key: "p50", title: "p50 ms", digits: 1 },
          { key: "p95", title: "p95 ms", digits: 1 },
          { key: "limit", title: "limit of p95", digits: 0 },
        ],
        rows,
      };
    }),
};

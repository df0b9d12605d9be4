import { Pool } from "pg";
import { pino } from "pino";
import { inSchema } from "../src/database/database.ts";
import { countDepth } from "../src/database/retention.ts";
import { QueueReader } from "../src/metrics/queue-figures.ts";
import { freePort } from "../test/support/folders-and-ports.ts";
import { fillDays, type Known } from "./contestants/answered-days.ts";
import { foldNew } from "./contestants/fold-days.ts";
import { startGatewayProcess, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

/** How often each is asked in a round, after some that do not count. */
const ASKED = 20;
const WARM_UP = 3;
const START_MS_MAX = 60_000;
const LIMIT_MS = 50;

/** Doors of programs. */
const DOORS = [
  "/metrics",
  "/api/tasks?limit=100",
  "/api/tasks?status=failed",
  "/api/tasks?status=queued",
  "/api/tasks?type=type_3",
  "/api/tasks?queue=rare",
  "/api/tasks?type=type_3&status=failed",
  "/api/tasks?repo=org/repo-50",
  "/api/tasks?context=context-40",
  "/api/queues",
  "/api/workers",
  "/api/operations?limit=100",
  "/api/agent/tasks?limit=20",
  "/api/agent/tasks/count",
];

const past = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

/** Each page of the dashboard, with each of its filters. */
function pagesAbout(known: Known): string[] {
  const filters = [
    "",
    "?status=failed",
    "?status=finished",
    "?status=queued",
    "?status=started",
    "?status=needs_decision",
    "?type=type_3",
    "?type=rare",
    "?type=type_3&status=failed",
    "?queue=night",
    "?repo=org/repo-50",
    "?context=context-40",
    `?parent=${known.root}`,
    "?worker=worker%201",
    "?worker=worker%2040",
    "?error=refused",
    "?error=refused&status=failed",
    "?error=no+such+text&status=failed",
    "?payload=region%3Deu",
    "?payload=customer%3Dc-77",
    "?payload=customer%3Dnobody",
    "?since=2h",
    "?since=20d&until=19d",
    "?type=type_19&since=20d&until=19d",
  ];
  return [
    ...["5m", "1h", "24h", "7d"].map((range) => `/ui?range=${range}`),
    ...filters.map((filter) => `/ui/tasks${filter}`),
    `/ui/tasks?after=${new Date(Date.now() - 4 * 86_400_000).toISOString()}_1`,
    "/ui/tasks/all?action=retry&status=failed",
    "/ui/tasks/all?action=retry&status=failed&type=type_3",
    "/ui/tasks/all?action=cancel&type=type_3",
    `/ui/tasks/${known.liveTask}`,
    `/ui/tasks/${known.finalTask}`,
    `/ui/tasks/${known.failedTask}`,
    `/ui/tasks/${known.root}`,
    "/ui/attention",
    "/ui/repositories",
    "/ui/repositories?repo=org/repo-300",
    "/ui/schedules",
    "/ui/queues",
    "/ui/workers",
    "/ui/workers?state=ended",
    "/ui/effects",
    "/ui/effects?status=failed",
    "/ui/effects?status=pending",
    "/ui/effects?status=skipped&kind=digest",
    "/ui/then",
    `/ui/then?at=${past(0.5)}`,
    `/ui/then?at=${past(23)}`,
    `/ui/then?task=${known.finalTask}`,
    "/ui/operations",
    "/ui/operations?action=retry",
    "/ui/operations?actor=person-7",
  ];
}

export const pages: Bench = {
  name: "pages",
  question: "How long do /metrics, lists over HTTP and pages take beside millions of final tasks?",
  tasksAre: "final tasks, of which one in a hundred failed; a tenth as many wait",
  sizes: { full: { rounds: 1, tasks: 10_000_000 }, smoke: { rounds: 1, tasks: 20_000 } },
  measure: async (stage, { rounds, tasks }) =>
    await stage.withFilled(triaged({ concurrency: 1 }), `days_${tasks}`, async (url) => {
      const known = await withClient(url, async (client) => {
        const found = await fillDays(client, tasks, stage.note);
        await foldNew(client, "what is new", stage.note);
        await stage.settleDown(client);
        return found;
      });
      const port = await freePort();
      await using serve = startGatewayProcess(url, { PORT: String(port) });
      const get = getterOf(port);
      await waitFor(
        () =>
          get("/ready").then(
            () => true,
            () => false,
          ),
        { limitMs: START_MS_MAX, whileRunning: serve },
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
        ...[...DOORS, ...pagesAbout(known)].map((path) => ({
          name: `GET ${path.replaceAll(/\d{4}-\d\d-[^_&]*/g, "(time)")}`,
          ask: () => get(path),
        })),
      ].map((each) => ({ ...each, settings: `p95 at most ${LIMIT_MS} ms` }));
      const rows = await inRounds(asked, rounds, async ({ name, ask }, round) => {
        // As the jobs do each five seconds.
        await countDepth(inSchema(pool));
        const found = await timesOf(ask);
        stage.note(
          `round ${round + 1}: ${name} p50 ${found.p50.toFixed(1)}, p95 ${found.p95.toFixed(1)} ms`,
        );
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

function getterOf(port: number): (path: string) => Promise<void> {
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(
        `expected ${path} to be answered, got ${answer.status}: ${text.slice(0, 300)}`,
      );
    }
  };
}

async function timesOf(ask: () => Promise<void>): Promise<{ p50: number; p95: number }> {
  const tookMs: number[] = [];
  for (let time = -WARM_UP; time < ASKED; time += 1) {
    const before = performance.now();
    await ask();
    if (time >= 0) tookMs.push(performance.now() - before);
  }
  return { p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95) };
}

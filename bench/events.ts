import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { type Child, startChild } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { processorSeconds, residentMegabytes } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import { statementsHere, watchStatements } from "./frame/statements.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

const LISTENERS = 1_000;
/** Between two updates: each has reached all before the next. */
const EVERY_MS = 300;
const REST_MS = 10_000;
const REST_MS_MIN = 2_000;
const START_MS_MAX = 60_000;

export const events: Bench = {
  name: "events",
  question: `How soon does an update reach ${LISTENERS} listeners of one gateway, and what do they cost?`,
  tasksAre: "updates, one after the other",
  sizes: { full: { rounds: 3, tasks: 200 }, smoke: { rounds: 1, tasks: 5 } },
  measure: async (stage, { rounds, tasks: updates }) => {
    const contestant = {
      name: "triaged serve",
      settings: "one gateway, limits as they are, listeners of one queue on loopback",
    };
    return {
      columns: [
        { key: "p50", title: "p50 ms", digits: 0 },
        { key: "p99", title: "p99 ms", digits: 0 },
        { key: "most", title: "slowest ms", digits: 0, over: "max" },
        { key: "kilobytes", title: "memory kB each", digits: 0 },
        { key: "queries", title: "queries/s, all", digits: 1 },
        { key: "nodeMs", title: "gateway CPU ms/s at rest", digits: 1 },
      ],
      rows: await inRounds([contestant], rounds, (_contestant, round) =>
        stage.withDatabase(triaged({ concurrency: 1 }), (url) =>
          withClient(url, async (client) => {
            const figures = await listen(client, url, updates);
            stage.note(`round ${round + 1}: p99 ${figures.p99.toFixed(0)} ms`);
            return figures;
          }),
        ),
      ),
    };
  },
};

async function listen(client: Client, url: string, updates: number) {
  await watchStatements(client);
  const port = await freePort();
  const serve = path.join(import.meta.dirname, "..", "bin", "triaged.js");
  await using gateway = startChild([serve, "serve"], { DATABASE_URL: url, PORT: String(port) });
  const base = `http://127.0.0.1:${port}`;
  await waitFor(
    () =>
      fetch(`${base}/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    { limitMs: START_MS_MAX, whileRunning: gateway },
  );
  await delay(REST_MS_MIN);
  const alone = residentMegabytes(gateway.pid);
  const over = new AbortController();
  /** When each listener heard of which update. */
  const heard = new Map<string, number[]>();
  try {
    let open = 0;
    for (let n = 0; n < LISTENERS; n += 1) {
      hear(`${base}/api/events?queue=default`, over.signal, (event, id) => {
        if (event === "begin") open += 1;
        else heard.get(id)?.push(performance.now());
      });
    }
    await waitFor(() => open === LISTENERS, { limitMs: START_MS_MAX });
    const rest = await restOf(client, gateway, updates > 10 ? REST_MS : REST_MS_MIN);
    const kilobytes = ((residentMegabytes(gateway.pid) - alone) * 1_000) / LISTENERS;
    const tookMs = await timesOf(client, heard, updates);
    return {
      p50: quantile(tookMs, 0.5),
      p99: quantile(tookMs, 0.99),
      most: quantile(tookMs, 1),
      kilobytes,
      ...rest,
    };
  } finally {
    over.abort();
  }
}

/** From the commit of each update to each listener, in milliseconds. */
async function timesOf(client: Client, heard: Map<string, number[]>, updates: number) {
  const tookMs: number[] = [];
  for (let update = 1; update <= updates; update += 1) {
    const reached: number[] = [];
    // The history of this database begins with the first.
    heard.set(String(update), reached);
    await client.query("select triaged.enqueue_task('noop')");
    const committedMs = performance.now();
    await waitFor(() => reached.length === LISTENERS, { limitMs: START_MS_MAX });
    tookMs.push(...reached.map((ms) => Math.max(0, ms - committedMs)));
    await delay(EVERY_MS * (0.5 + Math.random()));
  }
  return tookMs;
}

async function restOf(client: Client, gateway: Child, restMs: number) {
  const look = async () => ({
    statements: await statementsHere(client),
    node: processorSeconds(gateway.pid),
  });
  const before = await look();
  await delay(restMs);
  const after = await look();
  const seconds = restMs / 1_000;
  return {
    queries: (after.statements - before.statements) / seconds,
    nodeMs: ((after.node - before.node) * 1_000) / seconds,
  };
}

/** One listener, as cheap as it can be: all share this process. */
function hear(
  url: string,
  signal: AbortSignal,
  onEvent: (event: string, id: string) => void,
): void {
  const request = get(url, { agent: false, signal }, (answer) => {
    answer.setEncoding("utf8").on("data", (text: string) => {
      for (const [, id = "", event = ""] of text.matchAll(/^id: (\d+)\nevent: (\w+)$/gm)) {
        onEvent(event, id);
      }
    });
    answer.on("error", () => undefined);
  });
  request.on("error", () => undefined);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

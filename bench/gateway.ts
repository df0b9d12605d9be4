import { Agent, request } from "node:http";
import { freePort } from "../test/support/folders-and-ports.ts";
import { startGatewayProcess, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { processorSeconds, residentMegabytes } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { quantile } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

const PER_SECOND = 1_000;
/** Connections that are kept alive, each with one request at a time. */
const CONNECTIONS = 64;
/** Requests before the clock counts, at most: pools, plans and the compiler. */
const WARM_UP = 2_000;
const START_MS_MAX = 60_000;
const BODY = JSON.stringify({ task_type: "noop", payload: { a: 1 } });

/** How requests come: at a rate whatever the answers do, or each after the answer before it. */
const LOADS = [
  { name: "enqueue over HTTP", settings: `${PER_SECOND} requests a second`, perSecond: PER_SECOND },
  { name: "enqueue over HTTP, saturated", settings: "as fast as it answers", perSecond: null },
] as const;

export const gateway: Bench = {
  name: "gateway",
  question: "How long does an enqueue over HTTP take, and how many are there in a second?",
  tasksAre: `requests, over ${CONNECTIONS} connections that are kept alive; a tenth of them saturated`,
  sizes: { full: { rounds: 1, tasks: 600_000 }, smoke: { rounds: 1, tasks: 1_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      { key: "p50", title: "p50 ms", digits: 2 },
      { key: "p95", title: "p95 ms", digits: 2 },
      { key: "p99", title: "p99 ms", digits: 2 },
      { key: "perSecond", title: "requests/s", digits: 0 },
      { key: "errors", title: "errors", digits: 0, over: "max" },
      { key: "cpuMs", title: "gateway CPU ms each", digits: 2 },
      { key: "megabytesBefore", title: "memory MB, at half", digits: 0 },
      { key: "megabytes", title: "at the end", digits: 0 },
    ],
    rows: await inRounds(LOADS, rounds, async (load, round) => {
      const requests = load.perSecond === null ? Math.ceil(tasks / 10) : tasks;
      const figures = await stage.withDatabase(triaged({ concurrency: 1 }), (url) =>
        underLoad(url, { stage, requests, perSecond: load.perSecond }),
      );
      const told = `p95 ${figures.p95.toFixed(2)} ms, ${figures.perSecond.toFixed()}/s`;
      stage.note(`round ${round + 1}: ${load.name} ${told}, ${figures.errors} errors`);
      return figures;
    }),
  }),
};

async function underLoad(
  url: string,
  { stage, requests, perSecond }: { stage: Stage; requests: number; perSecond: number | null },
) {
  const port = await freePort();
  await using serve = startGatewayProcess(url, { PORT: String(port) });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const post = () => enqueue(agent, port);
  await waitFor(() => post().catch(() => false), { limitMs: START_MS_MAX });
  await saturate(Math.min(WARM_UP, requests), post);
  await withClient(url, (client) => stage.settleDown(client));

  const cpuBefore = processorSeconds(serve.pid);
  const beganAt = performance.now();
  const memory = watchMemory(serve, requests);
  const timed = { tookMs: [] as number[], errors: 0 };
  const one = async (dueAt: number) => {
    const isAnswered = await post().catch(() => false);
    timed.tookMs.push(performance.now() - dueAt);
    if (!isAnswered) timed.errors += 1;
    memory.answered();
  };
  await (perSecond === null
    ? saturate(requests, () => one(performance.now()))
    : atRate(requests, perSecond, one));
  const seconds = (performance.now() - beganAt) / 1_000;
  const cpuMs = ((processorSeconds(serve.pid) - cpuBefore) * 1_000) / requests;
  agent.destroy();
  return {
    p50: quantile(timed.tookMs, 0.5),
    p95: quantile(timed.tookMs, 0.95),
    p99: quantile(timed.tookMs, 0.99),
    perSecond: requests / seconds,
    errors: timed.errors,
    cpuMs,
    megabytesBefore: memory.atHalf(),
    megabytes: residentMegabytes(serve.pid),
  };
}

/** Resolves to whether it was answered with 201. */
async function enqueue(agent: Agent, port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const headers = { "content-type": "application/json", "content-length": BODY.length };
  const sent = request(
    { agent, host: "127.0.0.1", port, method: "POST", path: "/api/tasks", headers },
    (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode === 201));
      answer.once("error", reject);
    },
  );
  sent.once("error", reject);
  sent.end(BODY);
  return await promise;
}

/** Each connection sends one after the other. */
async function saturate(count: number, send: () => Promise<unknown>): Promise<void> {
  let left = count;
  const sendOn = async () => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendOn));
}

/** Each at its time, counted from when it was due: one that waits for a connection waits too. */
async function atRate(
  count: number,
  perSecond: number,
  send: (dueAt: number) => Promise<void>,
): Promise<void> {
  const beganAt = performance.now();
  const all: Promise<void>[] = [];
  const finished = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((performance.now() - beganAt) * perSecond) / 1_000));
    while (all.length < due) {
      all.push(send(beganAt + (all.length * 1_000) / perSecond));
    }
    if (all.length === count) finished.resolve();
  }, 1);
  await finished.promise;
  clearInterval(timer);
  await Promise.all(all);
}

/** What the process holds when half of the requests are answered. */
function watchMemory(serve: Child, requests: number) {
  let answered = 0;
  let half = 0;
  return {
    answered: () => {
      answered += 1;
      if (answered === Math.ceil(requests / 2)) half = residentMegabytes(serve.pid);
    },
    atHalf: () => half,
  };
}

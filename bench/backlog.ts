import { claimTasks, settleTasks } from "../src/database/attempts.ts";
import { type Database, inSchema } from "../src/database/database.ts";
import { registerWorker } from "../src/database/workers.ts";
import type { ClaimedTask } from "../src/model/task.ts";
import { Lanes } from "../src/worker/lanes.ts";
import { triaged } from "./contestants/triaged.ts";
import { fillBacklog } from "./contestants/triaged-backlog.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { quantile } from "./frame/statistics.ts";

/** As of a worker that claims what its default concurrency has room for. */
const BATCH = 10;
/** As such a worker asks for. */
const INPUT_BYTES_MAX = 1_677_721;
const CLAIMS_MAX = 2_000;
/** Claims before the clock counts: the session has made its plans. */
const WARM_UP = 50;
const QUEUES = ["default"];
const TASK_TYPES = ["hold", "noop", "ping"];

export const backlog: Bench = {
  name: "backlog",
  question: "What does a claim cost beside millions of tasks that it does not take?",
  tasksAre:
    "tasks that are due, as many delayed of a higher priority, as many of a type that nobody " +
    "handles, and twice as many finished",
  sizes: { full: { rounds: 5, tasks: 1_000_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      { key: "p50", title: "claim p50 ms", digits: 2, ratio: { of: "p50", title: "× of empty" } },
      { key: "p99", title: "p99 ms", digits: 2, ratio: { of: "p99", title: "× of empty" } },
      { key: "most", title: "slowest ms", digits: 1 },
      { key: "sweepP50", title: "sweeps p50 ms", digits: 2 },
      { key: "sweeps", title: "sweeps", digits: 0 },
    ],
    rows: await besideAndAlone(stage, { rounds, tasks }),
  }),
};

/** Both databases live through all rounds, which take turns. */
async function besideAndAlone(stage: Stage, { rounds, tasks }: { rounds: number; tasks: number }) {
  const contestant = triaged({ concurrency: BATCH });
  const claims = Math.min(CLAIMS_MAX, tasks / 10);
  return await stage.withDatabase(contestant, (full) =>
    stage.withDatabase(contestant, async (empty) => {
      const settings = `${claims} claims of ${BATCH}, from ${TASK_TYPES.length} task types, with bounds and sweeps as \`triaged work\` has them`;
      const tables = [
        { name: "beside the backlog", settings, url: full },
        { name: "empty table", settings, url: empty },
      ];
      await withClient(full, async (client) => {
        await fillBacklog(client, tasks, stage.note);
        await stage.settleDown(client);
      });
      return await inRounds(tables, rounds, async ({ name, url }, round) => {
        const figures = await claimFrom(url, claims);
        stage.note(`round ${round + 1}: ${name} p99 ${figures.p99.toFixed(2)} ms`);
        return figures;
      });
    }),
  );
}

async function claimFrom(url: string, claims: number) {
  return await withClient(url, async (client) => {
    const db = inSchema(client);
    const workerId = await registerWorker(db, {
      name: "bench",
      host: "bench",
      pid: process.pid,
      queues: QUEUES,
      concurrency: BATCH,
      leaseMs: 3_600_000,
      taskTypes: TASK_TYPES.map((name) => ({ name, maxAttempts: 3 })),
    });
    const worker = new BareWorker(db, workerId);
    for (let claim = 0; claim < WARM_UP; claim++) {
      await worker.passBatch();
    }
    const passed: { tookMs: number; sweep: boolean }[] = [];
    for (let claim = 0; claim < claims; claim++) {
      passed.push(await worker.passBatch());
    }
    const tookMs = passed.map((each) => each.tookMs);
    const sweeps = passed.filter(({ sweep }) => sweep).map((each) => each.tookMs);
    return {
      p50: quantile(tookMs, 0.5),
      p99: quantile(tookMs, 0.99),
      most: Math.max(...tookMs),
      sweepP50: sweeps.length === 0 ? 0 : quantile(sweeps, 0.5),
      sweeps: sweeps.length,
    };
  });
}

/** What a worker says to the database, statement by statement, without handlers. */
class BareWorker {
  readonly #db: Database;
  readonly #workerId: string;
  readonly #lanes = new Lanes(QUEUES, TASK_TYPES);

  constructor(db: Database, workerId: string) {
    this.#db = db;
    this.#workerId = workerId;
  }

  /** Enqueue a batch, claim one and finish it. Only the claim is timed. */
  async passBatch(): Promise<{ tookMs: number; sweep: boolean }> {
    await this.#db.query({
      name: "enqueue_batch",
      text: `select triaged.enqueue_task('noop', '{"of": 1}') from generate_series(1, $1)`,
      values: [BATCH],
    });
    const { tasks, ...timed } = await this.#claim();
    const settled = await settleTasks(this.#db, {
      outcomes: JSON.stringify(
        tasks.map(({ taskId, attempt }) => ({ task_id: taskId, attempt, outcome: "finish" })),
      ),
      count: tasks.length,
    });
    if (tasks.length !== BATCH || settled !== "all") {
      throw new Error(`expected ${BATCH} tasks to be claimed and finished, got ${tasks.length}`);
    }
    return timed;
  }

  /** As src/worker/claim-loop.ts does it. */
  async #claim(): Promise<{ tasks: ClaimedTask[]; tookMs: number; sweep: boolean }> {
    const before = performance.now();
    const depth = this.#lanes.depth(before);
    const lanes = this.#lanes.next(before, { depth, full: new Set() });
    const tasks = await claimTasks(this.#db, {
      workerId: this.#workerId,
      limit: BATCH,
      lanes,
      inputBytesMax: INPUT_BYTES_MAX,
    });
    const now = performance.now();
    this.#lanes.claimed(tasks, { now, tookMs: now - before, depth, more: tasks.length === BATCH });
    return { tasks, tookMs: now - before, sweep: depth === "all" };
  }
}

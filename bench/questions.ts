import type { Client } from "pg";
import { type Database, inSchema } from "../src/database/database.ts";
import {
  attentionCounts,
  liveWorkers,
  queueDepth,
  taskStatistics,
} from "../src/database/monitoring.ts";
import { taskHistory, whyTask } from "../src/database/reader.ts";
import { countDepth } from "../src/database/retention.ts";
import { fillDays, type Known } from "./contestants/answered-days.ts";
import { foldNew } from "./contestants/fold-days.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import { quantile } from "./frame/statistics.ts";

/** How often each is asked in a round. */
const ASKED = 40;
/** Before the clock counts: the session has read what it needs of the catalog. */
const WARM_UP = 3;
/** Tasks that ended since the last fold: five seconds of 200 a second. */
const SINCE_FOLD = 1_000;

type Question = {
  readonly name: string;
  /** What p95 is to be, in milliseconds. */
  readonly limitMs: number;
  readonly ask: (db: Database, client: Client) => Promise<unknown>;
};

export const questions: Bench = {
  name: "questions",
  question: "How long do questions take beside millions of final tasks?",
  tasksAre: "final tasks, of which one in a hundred failed; a tenth as many wait",
  sizes: { full: { rounds: 3, tasks: 10_000_000 }, smoke: { rounds: 1, tasks: 20_000 } },
  measure: async (stage, { rounds, tasks }) =>
    await stage.withFilled(triaged({ concurrency: 1 }), `days_${tasks}`, (url) =>
      withClient(url, async (client) => {
        const db = inSchema(client);
        const known = await fillDays(client, tasks, stage.note);
        await foldNew(client, "what is new", stage.note);
        await endSome(client, SINCE_FOLD);
        await stage.settleDown(client);
        const asked = questionsAbout(known).map((each) => ({
          ...each,
          settings: `p95 at most ${each.limitMs} ms`,
        }));
        return {
          columns: [
            { key: "p50", title: "p50 ms", digits: 1 },
            { key: "p95", title: "p95 ms", digits: 1 },
            { key: "limit", title: "limit of p95", digits: 0 },
          ],
          rows: await inRounds(asked, rounds, async ({ name, ask, limitMs }, round) => {
            // As the jobs do each five seconds.
            await countDepth(db);
            const tookMs = await timesOf(() => ask(db, client));
            const figures = { p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95) };
            stage.note(`round ${round + 1}: ${name} p95 ${figures.p95.toFixed(1)} ms`);
            return { ...figures, limit: limitMs };
          }),
        };
      }),
    ),
};

async function timesOf(ask: () => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  for (let time = -WARM_UP; time < ASKED; time += 1) {
    const before = performance.now();
    await ask();
    if (time >= 0) {
      tookMs.push(performance.now() - before);
    }
  }
  return tookMs;
}

async function endSome(client: Client, count: number): Promise<void> {
  await client.query("select triaged.register_worker('since', '{recent}')");
  await client.query(
    `select count(*) from triaged.enqueue_tasks((
       select jsonb_agg('{"task_type": "recent"}'::jsonb) from generate_series(1, $1::integer)
     ))`,
    [count],
  );
  const { rowCount } = await client.query(
    `select * from triaged.settle_tasks((
       select jsonb_agg(jsonb_build_object(
         'task_id', task_id, 'attempt', attempt_count, 'outcome', 'finish'))
       from triaged.claim_tasks((select max(worker_id) from triaged.workers), $1::integer)
     ))`,
    [count],
  );
  if (rowCount !== count) {
    throw new Error(`expected ${count} tasks to end since the fold, got ${rowCount}`);
  }
}

const LISTED = "select task_id, task_type, queue, status, created_at::text from triaged.list_tasks";

/** A page by a filter, and the one behind it. */
function list(name: string, given: string): Question[] {
  let place = "";
  return [
    {
      name: `list ${name}`,
      limitMs: 20,
      ask: async (_, client) => {
        const { rows } = await client.query(`${LISTED}(${given})`);
        const last = rows.at(-1);
        place =
          last === undefined
            ? "before_created_at => 'infinity', before_task_id => 0"
            : `before_created_at => '${last.created_at}', before_task_id => ${last.task_id}`;
      },
    },
    {
      name: `list ${name}, next page`,
      limitMs: 20,
      ask: (_, client) => client.query(`${LISTED}(${[given, place].filter(Boolean).join(", ")})`),
    },
  ];
}

/** A page of the past, as a link in a mail leads to it. */
function at(name: string, given: string, ago: string): Question {
  const place = `before_created_at => now() - interval '${ago}', before_task_id => 0`;
  return {
    name: `list ${name}`,
    limitMs: 20,
    ask: (_, client) => client.query(`${LISTED}(${[given, place].filter(Boolean).join(", ")})`),
  };
}

function view(name: string, limitMs: number, more = ""): Question {
  return {
    name: `${name}${more}`,
    limitMs,
    ask: (_, client) => client.query(`select * from triaged.${name}${more}`),
  };
}

function questionsAbout(known: Known): Question[] {
  return [
    view("queue_depth", 20),
    view("attention", 20, " order by since desc limit 100"),
    view("dead_letters", 20, " order by ended_at desc limit 100"),
    view("worker_activity", 20),
    { name: "why, of one that waits", limitMs: 20, ask: (db) => whyTask(db, known.liveTask) },
    { name: "why, of a final one", limitMs: 20, ask: (db) => whyTask(db, known.finalTask) },
    view("task_statistics", 50),
    {
      name: "triaged stats",
      limitMs: 50,
      ask: async (db) => {
        await queueDepth(db);
        await taskStatistics(db);
        await liveWorkers(db);
        await attentionCounts(db);
      },
    },
    ...list("of all", ""),
    ...list("finished", "status => 'finished'"),
    ...list("failed", "status => 'failed'"),
    ...list("cancelled", "status => 'cancelled'"),
    ...list("queued", "status => 'queued'"),
    ...list("started", "status => 'started'"),
    ...list("needs_decision", "status => 'needs_decision'"),
    ...list("by type", "task_type => 'type_3'"),
    ...list("by rare type", "task_type => 'rare'"),
    ...list("by unknown type", "task_type => 'no such'"),
    ...list("failed by type", "task_type => 'type_3', status => 'failed'"),
    ...list("by queue", "queue => 'night'"),
    ...list("by queue and type", "queue => 'low', task_type => 'type_19'"),
    ...list("by rare queue", "queue => 'rare'"),
    ...list("by context", "context_id => 'context-40'"),
    ...list("by small context", "context_id => 'run-100'"),
    ...list(
      "by repository and type",
      "repository => 'org/repo-50', task_type => 'consumer_triage'",
    ),
    ...list("by unknown repository", "repository => 'no/such'"),
    ...list("by repository", "repository => 'org/repo-50'"),
    ...list("by parent", `parent_task_id => ${known.root}`),
    ...list("by worker", `worker_id => ${known.worker}`),
    ...list("by worker that is gone", `worker_id => ${known.goneWorker}`),
    at("by type, a page of days ago", "task_type => 'type_3'", "4 days"),
    at("by type, a page of weeks ago", "task_type => 'type_19'", "20 days"),
    at("by queue, a page of weeks ago", "queue => 'low'", "20 days"),
    at("of all, a page of days ago", "", "4 days"),
    ...list("failed by worker", `worker_id => ${known.worker}, status => 'failed'`),
    { name: "history of a task", limitMs: 10, ask: (db) => taskHistory(db, known.finalTask) },
    {
      name: "lineage of a root",
      limitMs: 10,
      ask: (_, client) =>
        client.query("select * from triaged.get_task_hierarchy($1)", [known.root]),
    },
    view("failures_by_cause", 100),
    view("events_per_minute", 100),
  ];
}

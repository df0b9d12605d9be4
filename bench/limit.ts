import { readFileSync } from "node:fs";
import path from "node:path";
import type { Client } from "pg";
import { ofContestant } from "./contestants/backlog.ts";
import { burnDown } from "./contestants/burn-down.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;
/** As many as a busy worker claims and settles at a time: CLAIM_MAX in src/worker/slots.ts. */
const BATCH = 1_000;

type Measured = { readonly perSecond: number; readonly claimSize: number };
type Way = {
  readonly name: string;
  readonly settings: string;
  readonly measure: (stage: Stage, tasks: number) => Promise<Measured>;
};

export const limit: Bench = {
  name: "limit",
  question: "How near is one worker process to the same row changes made inside the server?",
  tasksAre: "no-op tasks that wait at the start",
  sizes: { full: { rounds: 7, tasks: 100_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      {
        key: "perSecond",
        title: "tasks/s",
        digits: 0,
        ratio: { of: "perSecond", title: "triaged by this" },
      },
      { key: "claimSize", title: "tasks in a claim", digits: 0 },
    ],
    rows: await inRounds(WAYS, rounds, async (way, round) => {
      const figures = await way.measure(stage, tasks);
      stage.note(`round ${round + 1}: ${way.name} ${Math.round(figures.perSecond)}/s`);
      return figures;
    }),
  }),
};

const QUEUE = triaged({ concurrency: CONCURRENCY });
/** Plain statements announce no event: the triggers would take them for made by hand. */
const WITHOUT_TRIGGERS = ["live_tasks", "final_tasks", "task_history"].map(
  (table) => `alter table triaged.${table} disable trigger user`,
);

const WAYS: readonly Way[] = [
  {
    name: QUEUE.name,
    settings: QUEUE.settings,
    measure: async (stage, count) =>
      await ofContestant(QUEUE).withBacklog(stage, count, async (backlog, client) => ({
        perSecond: await burnDown(backlog, { count, processes: 1, isDraining: true }),
        claimSize: await claimSizeOf(client),
      })),
  },
  {
    name: "our functions, inside",
    settings: `one session that calls claim_tasks and settle_tasks, ${BATCH} tasks in each`,
    measure: (stage, tasks) => inside("burn-down-by-functions", { stage, tasks, prepare: [] }),
  },
  {
    name: "plain SQL, inside",
    settings:
      `one session of plain statements, ${BATCH} tasks in each, triggers off: it writes the ` +
      "history by itself",
    measure: (stage, tasks) =>
      inside("burn-down-by-statements", { stage, tasks, prepare: WITHOUT_TRIGGERS }),
  },
];

/** From the call of the procedure to its answer. */
async function inside(
  name: string,
  { stage, tasks, prepare }: { stage: Stage; tasks: number; prepare: readonly string[] },
): Promise<Measured> {
  const file = path.join(import.meta.dirname, "inside", `${name}.sql`);
  return await stage.withDatabase(QUEUE, (url) =>
    withClient(url, async (client) => {
      await client.query(readFileSync(file, "utf8"));
      await QUEUE.enqueueNoops(client, tasks);
      for (const statement of prepare) {
        await client.query(statement);
      }
      const { rows } = await client.query<{ workerId: string }>(
        `select triaged.register_worker('inside', '{noop}') as "workerId"`,
      );
      await stage.settleDown(client);

      const startedAt = now();
      await client.query(`call triaged.${name.replaceAll("-", "_")}($1, $2)`, [
        rows[0]?.workerId,
        BATCH,
      ]);
      const endedAt = now();

      await QUEUE.check(client, tasks);
      return {
        perSecond: tasks / (millisecondsBetween(startedAt, endedAt) / 1_000),
        claimSize: await claimSizeOf(client),
      };
    }),
  );
}

/** What one claim takes has one time in the history. */
async function claimSizeOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ size: number }>(
    `select (count(*) / count(distinct at))::double precision as size
     from triaged.task_history
     where event = 'claim'`,
  );
  return rows[0]?.size ?? 0;
}

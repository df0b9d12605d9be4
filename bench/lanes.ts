import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Client } from "pg";
import { workOff } from "./contestants/gated-workers.ts";
import { expectCount, HANDLERS, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;
/** A process with fewer tasks than that has no rate to speak of, and is left out. */
const TASKS_OF_WORKER_MIN = 500;

type Shape = { readonly name: string; readonly types: number; readonly workers: number };

const SHAPES: readonly Shape[] = [
  ...[1, 10, 100, 1_000].map((types) => shape(types, 1)),
  ...[2, 4, 8, 16, 64].map((workers) => shape(10, workers)),
];

export const lanes: Bench = {
  name: "lanes",
  question: "Does the rate hold with many task types, and with many worker processes?",
  tasksAre: "no-op tasks, their types in turn, that wait while all workers start",
  sizes: { full: { rounds: 3, tasks: 50_000 }, smoke: { rounds: 1, tasks: 1_000 } },
  measure: async (stage, { rounds, tasks }) => {
    const shapes = SHAPES.filter(({ workers }) => workers * TASKS_OF_WORKER_MIN <= tasks);
    const folders = await makeHandlers(shapes);
    try {
      const contestants = shapes.map((each) => ({ ...each, settings: settingsOf(each) }));
      return {
        columns: [
          {
            key: "perSecond",
            title: "tasks/s",
            digits: 0,
            ratio: { of: "perSecond", title: "first row by this" },
          },
          { key: "released", title: "given back unstarted, most", digits: 0, over: "max" },
        ],
        rows: await inRounds(contestants, rounds, async (contestant, round) => {
          const handlers = folders.of(contestant);
          const figures = await measureShape(stage, { shape: contestant, tasks, handlers });
          stage.note(
            `round ${round + 1}: ${contestant.name} ${Math.round(figures.perSecond)}/s, ` +
              `${figures.released} given back`,
          );
          return figures;
        }),
      };
    } finally {
      await folders.remove();
    }
  },
};

function shape(types: number, workers: number): Shape {
  const name = `${types} ${types === 1 ? "type" : "types"}, ${workers} ${workers === 1 ? "worker" : "workers"}`;
  return { name, types, workers };
}

function settingsOf({ types, workers }: Shape): string {
  return `${workers} × \`triaged work\`, concurrency ${CONCURRENCY}, ${types * 4} lanes, full history`;
}

/** From the first start of a handler in any process to the commit of the last end. */
async function measureShape(
  stage: Stage,
  { shape: { types, workers }, tasks, handlers }: { shape: Shape; tasks: number; handlers: string },
) {
  return await stage.withDatabase(triaged({ concurrency: CONCURRENCY }), (url) =>
    withClient(url, async (client) => {
      await enqueueInTurn(client, { tasks, types });
      await stage.settleDown(client);
      const { firstAt, emptyAt } = await workOff(client, {
        url,
        workers,
        concurrency: CONCURRENCY,
        tasks,
        handlers,
      });
      await checkHistory(client, tasks);
      return {
        perSecond: tasks / (millisecondsBetween(firstAt, emptyAt) / 1_000),
        released: await countReleases(client),
      };
    }),
  );
}

async function enqueueInTurn(
  client: Client,
  { tasks, types }: { tasks: number; types: number },
): Promise<void> {
  await client.query(
    `select count(*) from triaged.enqueue_tasks((
       select jsonb_agg(jsonb_build_object('task_type', 'lane_' || place % $2::integer))
       from generate_series(1, $1::integer) as place
     ))`,
    [tasks, types],
  );
  await client.query("vacuum analyze triaged.live_tasks");
}

/**
 * Throws unless each task ended once, and was claimed once more than it was given back, and
 * nobody waited in a circle. What waits for a second is given back: no claim of two at once.
 */
async function checkHistory(client: Client, tasks: number): Promise<void> {
  await expectCount(
    client,
    `select count(*) from (
       select task_id
       from triaged.task_history
       group by task_id
       having
         count(*) filter (where event = 'finish') = 1
         and count(*) filter (where event = 'claim')
           = 1 + count(*) filter (where event = 'release')
         and bool_and(event in ('enqueue', 'claim', 'release', 'finish'))
     ) as orderly`,
    { count: tasks },
  );
  await expectCount(client, "select count(*) from triaged.final_tasks where status = 'finished'", {
    count: tasks,
  });
  await expectCount(
    client,
    "select deadlocks as count from pg_stat_database where datname = current_database()",
    { count: 0 },
  );
}

async function countReleases(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::integer as count from triaged.task_history where event = 'release'",
  );
  return rows[0]?.count ?? 0;
}

/** A folder for each number of types, with a file for each type: the same no-op in all. */
async function makeHandlers(shapes: readonly Shape[]) {
  const root = await mkdtemp(path.join(tmpdir(), "triaged-bench-lanes-"));
  const folders = new Map<number, string>();
  for (const types of new Set(shapes.map((each) => each.types))) {
    const folder = await mkdtemp(path.join(root, `${types}-`));
    folders.set(types, folder);
    const source = JSON.stringify(path.join(HANDLERS, "tally.ts"));
    for (let type = 0; type < types; type++) {
      await writeFile(
        path.join(folder, `lane_${type}.mjs`),
        `export { default } from ${source};\n`,
      );
    }
  }
  return {
    of: ({ types }: Shape) => folders.get(types) ?? "",
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

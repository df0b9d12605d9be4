import path from "node:path";
import { type Child, startChild } from "../frame/child.ts";
import { withClient } from "../frame/databases.ts";
import type { RedisServer } from "../frame/redis-server.ts";
import type { Installable, Stage } from "../frame/stage.ts";
import { graphileWorker, UNBATCHED } from "./graphile-worker.ts";
import { type Peer, type Production, startPeer } from "./peer-process.ts";
import { triaged } from "./triaged.ts";

const SQL_PROCESS = path.join(import.meta.dirname, "sql-producer-process.ts");

/** Lend a place without a task: how to start a process that fills it, and how many came. */
export type Producer = {
  readonly name: string;
  readonly settings: string;
  readonly withPlace: <Result>(
    stage: Stage,
    use: (place: {
      readonly start: (production: Production) => Child;
      readonly count: () => Promise<number>;
    }) => Promise<Result>,
  ) => Promise<Result>;
};

type OnPostgres = {
  readonly settings: string;
  /** Where the tasks are. */
  readonly table: string;
  readonly start: (url: string, production: Production) => Child;
};

/** A producer whose tasks come into a table of the bench's server. */
export function producerOf(queue: Installable, { settings, table, start }: OnPostgres): Producer {
  return {
    name: queue.name,
    settings,
    withPlace: async (stage, use) =>
      await stage.withDatabase(queue, (url) =>
        withClient(url, async (client) => {
          await stage.settleDown(client);
          return await use({
            start: (production) => start(url, production),
            count: async () => {
              const { rows } = await client.query<{ count: string }>(
                `select count(*) from ${table}`,
              );
              return Number(rows[0]?.count);
            },
          });
        }),
      ),
  };
}

/** The statements of our client, without the arguments that have a default. */
export const TRIAGED = producerOf(triaged({ concurrency: 1 }), {
  settings: "enqueue_task and enqueue_tasks, each call a transaction; full history",
  table: "triaged.live_tasks",
  start: sqlProducer({
    one: "select task_id, outcome from triaged.enqueue_task('noop', $1::jsonb)",
    many: "select task_id, outcome from triaged.enqueue_tasks($1::jsonb)",
    typeKey: "task_type",
  }),
});

/** The statements of its addJob and addJobs, likewise; only the ids come back. */
export const GRAPHILE = producerOf(
  graphileWorker("graphile-worker", { concurrency: 1, ...UNBATCHED }),
  {
    settings: "add_job and add_jobs, each call a transaction; no history",
    table: "graphile_worker._private_jobs",
    start: sqlProducer({
      one: "select id from graphile_worker.add_job('noop', $1::json)",
      many:
        "select id from graphile_worker.add_jobs(array(" +
        "select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))",
      typeKey: "identifier",
    }),
  },
);

export function producerOfPeer(
  queue: Installable,
  { peer, settings, table }: { peer: Peer; settings: string; table: string },
): Producer {
  const start = (url: string, production: Production) =>
    startPeer(peer, url, { do: "produce", ...production });
  return producerOf(queue, { settings, table, start });
}

export function bullmqProducerOnRedis(redis: RedisServer): Producer {
  return {
    name: "BullMQ on Redis",
    settings: "add and addBulk, a connection for each client; Redis without persistence",
    withPlace: async (_, use) => {
      await redis.ask("FLUSHALL");
      return await use({
        start: (production) => startPeer("bullmq", redis.url, { do: "produce", ...production }),
        count: async () => Number((await redis.ask("LLEN bull:noop:wait")).slice(1)),
      });
    },
  };
}

/** `many` takes an array of objects with the payload, and with the type of the task at `typeKey`. */
function sqlProducer(statements: { one: string; many: string; typeKey: string }) {
  return (url: string, production: Production) =>
    startChild([SQL_PROCESS], {
      DATABASE_URL: url,
      SQL_PRODUCTION: JSON.stringify({ ...statements, ...production }),
    });
}

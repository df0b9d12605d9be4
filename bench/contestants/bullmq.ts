import type { RedisServer } from "../frame/redis-server.ts";
import { type Drainer, type OnPostgres, onPostgres } from "./backlog.ts";
import { type Order, startPeer } from "./peer-process.ts";

const PEER = "bullmq";
const KEYS = "bull:noop";

type Settings = { readonly concurrency: number };

export async function installBullmq(url: string): Promise<void> {
  await obey(url, { do: "install" });
}

/** On the server of the bench, by its own PostgreSQL backend. */
export function bullmqOnPostgres({ concurrency, share }: Settings & { share: number }): Drainer {
  const queue: OnPostgres = {
    name: "BullMQ on PostgreSQL",
    settings:
      `one process, concurrency ${concurrency}, a pool of ${concurrency + 1}, ` +
      "removeOnComplete: no history",
    install: installBullmq,
    fill: async (url, client, count) => {
      await obey(url, { do: "fill", count });
      await client.query("vacuum analyze bullmq.job");
    },
    startDraining: (url) => start(url, { concurrency }),
    isEmpty: async (client) => {
      const { rows } = await client.query<{ empty: boolean }>(
        "select not exists (select from bullmq.job where queue = 'noop') as empty",
      );
      return rows[0]?.empty === true;
    },
    // It deletes what is done: how often the handler was called is all there is to see.
    check: () => Promise.resolve(),
  };
  return onPostgres(queue, { share, isDraining: false });
}

/** Its default backend, which keeps all in memory. */
export function bullmqOnRedis(
  redis: RedisServer,
  { concurrency, share }: Settings & { share: number },
): Drainer {
  const lengthOf = async (command: string) => Number((await redis.ask(command)).slice(1));
  return {
    name: "BullMQ on Redis",
    settings:
      `one process, concurrency ${concurrency}, removeOnComplete: no history; Redis without ` +
      "persistence: nothing is written to disk",
    share,
    isDraining: false,
    withBacklog: async (_, count, use) => {
      await redis.ask("FLUSHALL");
      await obey(redis.url, { do: "fill", count });
      return await use({
        startDraining: () => start(redis.url, { concurrency }),
        isEmpty: async () =>
          (await lengthOf(`LLEN ${KEYS}:wait`)) + (await lengthOf(`LLEN ${KEYS}:active`)) === 0,
        check: async () => {
          const failed = await lengthOf(`ZCARD ${KEYS}:failed`);
          if (failed > 0) {
            throw new Error(`expected no failed job of BullMQ, got ${failed}`);
          }
        },
      });
    },
  };
}

function start(url: string, { concurrency }: Settings) {
  return startPeer(PEER, url, { do: "work", fetchers: concurrency, batch: 1 });
}

async function obey(url: string, order: Order): Promise<void> {
  await using process = startPeer(PEER, url, order);
  await process.ended;
}

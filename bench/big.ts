import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { workOff } from "./contestants/gated-workers.ts";
import {
  insertPlain,
  plainTable,
  type RoundTrips,
  readAndDelete,
} from "./contestants/plain-table.ts";
import { expectCount, triaged } from "./contestants/triaged.ts";
import type { Bench, Column } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Installable, Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;
const MB = 1_000_000;
/** All below the limit that is set by default, 1 MiB of JSON. */
const WEIGHTS = [
  { name: "1 kB", bytes: 1_000 },
  { name: "64 kB", bytes: 64_000 },
  { name: "1 MB", bytes: MB },
] as const;
type Weight = (typeof WEIGHTS)[number];
/** One enqueue carries as many payloads as fit into so much, and at least one. */
const BATCH_BYTES = MB;

/** What has to be carried: `count` tasks in JSON arrays, as enqueue_tasks takes them. */
type Load = {
  readonly weight: Weight;
  readonly batches: readonly string[];
  readonly count: number;
};

type Carrier = Installable & {
  readonly settings: string;
  /** Take all batches in and work them off; resolves to the milliseconds of that. */
  readonly carry: (client: Client, url: string, load: Load) => Promise<number>;
};

export const big: Bench = {
  name: "big",
  question: "How many megabytes of payload a second go from the enqueue to the end of their tasks?",
  tasksAre: "MB of payloads of each size",
  sizes: { full: { rounds: 5, tasks: 100 }, smoke: { rounds: 1, tasks: 2 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: WEIGHTS.flatMap(columnsOf),
    rows: await inRounds(carriers(), rounds, async (carrier, round) => {
      const figures: Record<string, number> = {};
      for (const weight of WEIGHTS) {
        const load = makeLoad(weight, tasks * MB);
        const { perSecond, wal } = await carryOnce(carrier, { stage, load });
        figures[`${weight.name} rate`] = perSecond;
        figures[`${weight.name} wal`] = wal;
        stage.note(
          `round ${round + 1}: ${carrier.name}, ${weight.name}: ${perSecond.toFixed(1)} MB/s`,
        );
      }
      return figures;
    }),
  }),
};

function columnsOf({ name }: Weight): Column[] {
  return [
    {
      key: `${name} rate`,
      title: `${name}, MB/s`,
      digits: 1,
      ratio: { of: `${name} rate`, title: "triaged by this" },
    },
    { key: `${name} wal`, title: "WAL by payload", digits: 2 },
  ];
}

/** In a fresh database. WAL is that of the whole server, in bytes for each byte of payload. */
async function carryOnce(
  carrier: Carrier,
  { stage, load }: { stage: Stage; load: Load },
): Promise<{ perSecond: number; wal: number }> {
  const bytes = load.count * load.weight.bytes;
  return await stage.withDatabase(carrier, (url) =>
    withClient(url, async (client) => {
      await stage.settleDown(client);
      const before = await walBytes(client);
      const tookMs = await carrier.carry(client, url, load);
      const wal = (await walBytes(client)) - before;
      return { perSecond: bytes / MB / (tookMs / 1_000), wal: wal / bytes };
    }),
  );
}

/** The plain table is asked as often as triaged was in its newest round, which comes first. */
function carriers(): Carrier[] {
  const trips = new Map<string, RoundTrips>();
  const queue = triaged({ concurrency: CONCURRENCY });
  return [
    {
      ...queue,
      carry: async (client, url, { weight, batches, count }) => {
        const from = now();
        for (const batch of batches) {
          await client.query("select count(*) from triaged.enqueue_tasks($1::jsonb)", [batch]);
        }
        const enqueueMs = millisecondsBetween(from, now());
        const gate = { url, workers: 1, concurrency: CONCURRENCY, tasks: count };
        const { openedAt, emptyAt } = await workOff(client, gate);
        await queue.check(client, count);
        trips.set(weight.name, await tripsOf(client));
        return enqueueMs + millisecondsBetween(openedAt, emptyAt);
      },
    },
    {
      ...plainTable,
      carry: async (client, _, { weight, batches, count }) => {
        const from = now();
        for (const batch of batches) {
          await insertPlain(client, batch);
        }
        await readAndDelete(client, count, trips.get(weight.name) ?? { claims: 1, settles: 1 });
        const tookMs = millisecondsBetween(from, now());
        await expectCount(client, "select count(*) from plain", { count: 0 });
        return tookMs;
      },
    },
  ];
}

/** One transaction is one point in time. */
async function tripsOf(client: Client): Promise<RoundTrips> {
  const { rows } = await client.query<RoundTrips>(
    `select
       count(distinct at) filter (where event = 'claim')::integer as claims,
       count(distinct at) filter (where event = 'finish')::integer as settles
     from triaged.task_history`,
  );
  return rows[0] ?? { claims: 1, settles: 1 };
}

async function walBytes(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes",
  );
  return Number(rows[0]?.bytes);
}

/** Random letters: what a compression of the server gains would say nothing of other payloads. */
function makeLoad(weight: Weight, bytes: number): Load {
  const frame = JSON.stringify({ data: "" }).length;
  const count = Math.max(1, Math.round(bytes / weight.bytes));
  const atOnce = Math.max(1, Math.floor(BATCH_BYTES / weight.bytes));
  const batches: string[] = [];
  for (let made = 0; made < count; made += atOnce) {
    const tasks = Array.from({ length: Math.min(atOnce, count - made) }, () => {
      const data = randomBytes(weight.bytes)
        .toString("base64")
        .slice(0, weight.bytes - frame);
      return { task_type: "carry", payload: { data } };
    });
    batches.push(JSON.stringify(tasks));
  }
  return { weight, batches, count };
}

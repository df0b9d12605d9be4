import type { Client } from "pg";
import type { SqlContestant } from "./contestants/contestant.ts";
import { BATCHED, graphileWorker } from "./contestants/graphile-worker.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { millisecondsBetween, now } from "./frame/report.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";
import { median } from "./frame/statistics.ts";
import { waitFor } from "./frame/wait-for.ts";

const CONCURRENCY = 24;
/** The tasks pass in so many slices, one after the other. */
const SLICES = 10;
/** Slices without the snapshot; the first one warms the worker up and does not count. */
const SLICES_BEFORE = 4;
const SLICE_MS_MAX = 300_000;

type Contestant = SqlContestant & { readonly holds: boolean };

export const heldSnapshot: Bench = {
  name: "held-snapshot",
  question: "How many tasks a second while a transaction keeps vacuum from its work?",
  tasksAre: `tasks that pass under the snapshot, in ${SLICES} slices`,
  sizes: { full: { rounds: 1, tasks: 400_000 }, smoke: { rounds: 1, tasks: 5_000 } },
  measure: async (stage, { rounds, tasks }) => {
    const contestants: Contestant[] = [
      { ...triaged({ concurrency: CONCURRENCY }), holds: true },
      // Rows that pile up in history and among the final tasks cost their share anyway.
      { ...triaged({ concurrency: CONCURRENCY }), name: "triaged, with none held", holds: false },
      {
        ...graphileWorker("graphile-worker, fastest", { concurrency: CONCURRENCY, ...BATCHED }),
        holds: true,
      },
    ];
    return {
      columns: [
        { key: "before", title: "tasks/s before", digits: 0 },
        { key: "slice1", title: "under it, first slice", digits: 0 },
        { key: `slice${SLICES / 2}`, title: `slice ${SLICES / 2}`, digits: 0 },
        {
          key: `slice${SLICES}`,
          title: `slice ${SLICES}`,
          digits: 0,
          ratio: { of: `slice${SLICES}`, title: "triaged by this" },
        },
        { key: "kept", title: "last by before", digits: 2 },
      ],
      rows: await inRounds(contestants, rounds, async (contestant, round) =>
        stage.withDatabase(contestant, (url) =>
          passSlices(contestant, { stage, url, tasks, round }),
        ),
      ),
    };
  },
};

/** One worker for all slices: what it remembers, and what its sessions have planned, counts. */
async function passSlices(
  contestant: Contestant,
  { stage, url, tasks, round }: { stage: Stage; url: string; tasks: number; round: number },
) {
  const count = Math.ceil(tasks / SLICES);
  return await withClient(url, async (client) => {
    await using worker = contestant.startWaiting(url);
    const slices = new Slices(contestant, { client, worker, count });
    const next = async (title: string) => {
      const perSecond = await slices.pass();
      stage.note(`round ${round + 1}: ${contestant.name} ${Math.round(perSecond)}/s, ${title}`);
      return perSecond;
    };
    const rates: number[] = [];
    for (let slice = 1; slice <= SLICES_BEFORE; slice++) {
      rates.push(await next("before"));
    }
    const before = median(rates.slice(1));
    const under = await withClient(url, async (holder) => {
      if (contestant.holds) {
        await holder.query("begin isolation level repeatable read");
        await holder.query("select txid_current()");
      }
      const bySlice: [string, number][] = [];
      for (let slice = 1; slice <= SLICES; slice++) {
        bySlice.push([`slice${slice}`, await next(`slice ${slice}`)]);
      }
      if (contestant.holds) await holder.query("rollback");
      return Object.fromEntries(bySlice);
    });
    await waitFor(() => contestant.isEmpty(client), { limitMs: SLICE_MS_MAX });
    await contestant.check(client, count * (SLICES_BEFORE + SLICES));
    return { before, ...under, kept: (under[`slice${SLICES}`] ?? 0) / before };
  });
}

/** Hands one slice after the other to a worker that waits. */
class Slices {
  readonly #contestant: SqlContestant;
  readonly #client: Client;
  readonly #worker: Child;
  readonly #count: number;
  #passed = 0;
  #lastAt = 0n;

  constructor(
    contestant: SqlContestant,
    { client, worker, count }: { client: Client; worker: Child; count: number },
  ) {
    this.#contestant = contestant;
    this.#client = client;
    this.#worker = worker;
    this.#count = count;
    worker.onReport(({ event, at }) => {
      if (event === "last") {
        this.#lastAt = BigInt(at);
      }
    });
  }

  /**
   * Tasks a second, from the commit that brings the slice to the start of its last handler. The
   * end of the last task is not looked for: under the snapshot that look costs what it finds.
   */
  async pass(): Promise<number> {
    this.#lastAt = 0n;
    this.#passed += this.#count;
    await this.#contestant.insertNoops(this.#client, { count: this.#count, of: this.#passed });
    const from = now();
    await waitFor(() => this.#lastAt !== 0n, { limitMs: SLICE_MS_MAX, whileRunning: this.#worker });
    return this.#count / (millisecondsBetween(from, this.#lastAt) / 1_000);
  }
}

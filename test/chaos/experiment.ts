import { setTimeout as delay } from "node:timers/promises";
import { type Figures, readFigures } from "./account/figures.ts";
import { readRescueTimes, type TimesByProof } from "./account/rescue-times.ts";
import { findViolations, type Violation } from "./account/violations.ts";
import { readExecutions } from "./executions.ts";
import { Faults } from "./faults.ts";
import { attack, type HostileAccounts } from "./hostile/producer.ts";
import { scheduleFaults } from "./plan/schedule.ts";
import { type Accounts, produce } from "./producer.ts";
import { withClient } from "./system/server.ts";
import type { Stage } from "./system/stage.ts";

export type Plan = {
  readonly seed: number;
  readonly lengthMs: number;
  /** Enqueues, of both producers. */
  readonly perSecond: number;
};

/** What a run has shown. */
export type Outcome = {
  readonly faults: Readonly<Record<string, number>>;
  readonly accounts: Accounts;
  readonly hostile: HostileAccounts;
  readonly drainMs: number;
  readonly figures: Figures;
  readonly rescueTimes: TimesByProof;
  readonly violations: readonly Violation[];
};

/** Those of supervisord.conf. */
const WORKERS_PER_HOST = 2;
const START_MS_MAX = 60_000;
/** Longer than the lease, the poll and all backoffs after one another. */
const DRAIN_MS_MAX = 180_000;

/**
 * Let producers and workers work while faults happen, heal everything, wait until nothing is
 * left to do, stop the workers, and count. Throws when `stop` aborts, and when the stage
 * itself breaks.
 */
export async function experiment(
  stage: Stage,
  plan: Plan,
  { stop, note }: { stop: AbortSignal; note: (text: string) => void },
): Promise<Outcome> {
  await waitForWorkers(stage, stop);
  const over = new AbortController();
  const broken = new AbortController();
  const abandon = AbortSignal.any([broken.signal, stop]);
  const ending = AbortSignal.any([over.signal, abandon]);
  const faults = new Faults(stage, { healing: ending });
  const orBreak = (err: unknown) => {
    broken.abort(err);
    throw err;
  };
  const { hostileUrl, repositories } = stage;
  const attacking = attack(hostileUrl, { seed: plan.seed, repositories, stop: ending });
  const [accounts] = await allOf(
    produceByAllWays(stage, plan, { stop: ending, abandon }).catch(orBreak),
    makeFaults(faults, plan, { stop: abandon, note })
      .catch(orBreak)
      .finally(() => over.abort()),
  );
  const hostile = await attacking;
  note(`all is healed; ${accounts.acknowledged.length} tasks were enqueued`);
  const drainMs = await drain(stage, stop);
  await stage.stopWorkers();
  note(`nothing is left to do after ${(drainMs / 1_000).toFixed(1)} s`);
  return { ...(await count(stage, faults, accounts)), hostile, drainMs };
}

/** Waits for both, also when one of them fails. */
async function allOf<First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
): Promise<[First, Second]> {
  await Promise.allSettled([first, second]);
  return await Promise.all([first, second]);
}

/** One producer straight to the server, one through the pooler. */
async function produceByAllWays(
  { server, pooler }: Stage,
  { seed, perSecond }: Plan,
  signals: { stop: AbortSignal; abandon: AbortSignal },
): Promise<Accounts> {
  const ways = [server.url, pooler.url];
  const accounts = await Promise.all(
    ways.map((url, place) =>
      produce(url, {
        name: `producer ${place}`,
        seed: seed + place,
        perSecond: perSecond / ways.length,
        ...signals,
      }),
    ),
  );
  return add(accounts);
}

async function waitForWorkers({ server, hosts }: Stage, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  await until(stop, async () => {
    if (performance.now() > deadline) {
      throw new Error(`expected all workers to begin within ${START_MS_MAX} ms`);
    }
    const alive = await countOf(server.url, "triaged.workers where ended_at is null");
    return alive >= hosts.length * WORKERS_PER_HOST;
  });
}

/** Resolves when the last one is over. One that fails ends the run. */
async function makeFaults(
  faults: Faults,
  plan: Plan,
  { stop, note }: { stop: AbortSignal; note: (text: string) => void },
): Promise<void> {
  const began = performance.now();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const underway: Promise<void>[] = [];
  const waitUntil = (ms: number) =>
    Promise.race([
      delay(Math.max(0, began + ms - performance.now()), undefined, { signal: stop }),
      failed.promise,
    ]);
  try {
    for (const fault of scheduleFaults(plan)) {
      await waitUntil(fault.atMs);
      const lasts = fault.durationMs === 0 ? "" : ` for ${(fault.durationMs / 1_000).toFixed(1)} s`;
      note(`${(fault.atMs / 1_000).toFixed(1).padStart(7)} s  ${fault.kind}${lasts}`);
      underway.push(faults.inject(fault).catch(failed.reject));
    }
    await waitUntil(plan.lengthMs);
  } finally {
    await Promise.race([Promise.all(underway), failed.promise]);
  }
}

/** Resolves to how long it took; after the limit, what is left shows as a violation. */
async function drain({ server }: Stage, stop: AbortSignal): Promise<number> {
  const began = performance.now();
  await until(
    stop,
    async () => (await countLeft(server.url)) === 0 || performance.now() - began > DRAIN_MS_MAX,
  );
  return Math.round(performance.now() - began);
}

async function count(stage: Stage, faults: Faults, accounts: Accounts) {
  const executions = await readExecutions(stage.executionsFile);
  return await withClient(stage.server.url, async (client) => ({
    faults: Object.fromEntries(faults.counts),
    accounts,
    figures: await readFigures(client, executions),
    rescueTimes: await readRescueTimes(client, faults.kills),
    violations: await findViolations(client, { acknowledged: accounts.acknowledged, executions }),
  }));
}

function add(all: readonly Accounts[]): Accounts {
  const sum = (of: (each: Accounts) => number) => all.reduce((total, each) => total + of(each), 0);
  return {
    acknowledged: all.flatMap(({ acknowledged }) => acknowledged),
    unknown: sum(({ unknown }) => unknown),
    repeated: sum(({ repeated }) => repeated),
    leftOut: sum(({ leftOut }) => leftOut),
  };
}

/** What a hostile repository leaves open is asked of a person, who has no time for it. */
async function countLeft(url: string): Promise<number> {
  await withClient(url, (client) =>
    client.query(
      `select triaged.cancel_task(task_id) from triaged.live_tasks
       where status = 'needs_decision' and task_type = 'consumer_triage'`,
    ),
  );
  return await countOf(url, "triaged.live_tasks");
}

async function countOf(url: string, rows: string): Promise<number> {
  return await withClient(url, async (client) => {
    const found = await client.query<{ count: string }>(`select count(*) from ${rows}`);
    return Number(found.rows[0]?.count);
  });
}

async function until(stop: AbortSignal, condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await delay(200, undefined, { signal: stop });
  }
}

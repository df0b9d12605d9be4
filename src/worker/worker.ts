import type { Logger } from "pino";
import { failpoint } from "../failpoint.ts";
import type { Database } from "../postgres/database.ts";
import type { Doorbell } from "../postgres/doorbell.ts";
import { claimTasks } from "../postgres/task-store.ts";
import type { ClaimedTask } from "../task.ts";
import type { DatabaseLink } from "./database-link.ts";
import { pause } from "./every.ts";
import { Flag } from "./flag.ts";
import type { Lanes } from "./lanes.ts";
import { LostClaims } from "./lost-claims.ts";
import { NAP_MS, Naps } from "./naps.ts";
import { RungLanes } from "./rung-lanes.ts";
import type { Plan, Slots } from "./slots.ts";

/** Errors in a row, other than a database that does not answer, before the worker gives up. */
const ERRORS_MAX = 5;

export type WorkerDeps = {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly doorbell: Doorbell;
  readonly lanes: Lanes;
  readonly slots: Slots;
  readonly logger: Logger;
  readonly workerId: string;
  readonly pollIntervalMs: number;
  /** End when nothing is due and nothing runs. */
  readonly drain: boolean;
  /** Raised when a slot became free. */
  readonly changed: Flag;
  /** Claim nothing more. */
  readonly signal: AbortSignal;
};

/**
 * Claim what is due and hand it to the slots, until the signal aborts or, with `drain`,
 * nothing is left. Throws after some errors in a row that no waiting mends.
 */
export async function runWorker(deps: WorkerDeps): Promise<void> {
  const { slots, changed, signal, doorbell, drain, link } = deps;
  const lost = new LostClaims({ ...deps, known: () => slots.known() });
  const rung = new Flag();
  const rungLanes = new RungLanes(deps.pollIntervalMs);
  const onWake = () => {
    rung.raise();
    changed.raise();
  };
  const onRing = (said: string) => {
    rungLanes.rang(said);
    onWake();
  };
  doorbell.on("ring", onRing);
  // Arm it: nothing rings while nobody has said that it sleeps.
  const onRestored = () => onRing("");
  doorbell.on("restored", onRestored);
  signal.addEventListener("abort", onWake);
  const guarded = failAfter(ERRORS_MAX, deps);
  const naps = new Naps();
  try {
    while (!signal.aborted) {
      // Here as well: a worker that is busy for hours claims nothing.
      await guarded(() => link.run(() => lost.look(), signal));
      const plan = slots.plan(performance.now());
      if (plan.claims.length === 0) {
        await changed.wait(deps.pollIntervalMs);
        slots.releaseWaiting({ staleAt: performance.now() });
        continue;
      }
      rung.lower();
      const only = rungLanes.look({ now: performance.now(), armed: doorbell.armed });
      const { found, more, swept } = await guarded(() => claimAll({ ...deps, lost }, plan, only));
      if (more) {
        // Busy: an enqueue need not ring, the next claim comes anyway.
        await doorbell.disarm();
      } else if (drain && !found && slots.isEmpty) {
        if (swept) {
          return;
        }
        await pause(deps.lanes.sweepDueInMs(performance.now()), signal);
      } else if (naps.after({ found, now: performance.now() })) {
        await doorbell.disarm();
        await pause(NAP_MS, signal);
      } else if (doorbell.armed || !(await doorbell.arm())) {
        // It has said that it sleeps, has looked once more, and sleeps.
        const now = performance.now();
        rungLanes.sleeps({ now, hears: doorbell.armed && plan.isWhole });
        const mostMs = Math.min(sleepMs(deps, swept), rungLanes.everywhereInMs(now));
        await (plan.isWhole ? rung : changed).wait(mostMs);
      }
    }
  } finally {
    doorbell.off("ring", onRing);
    doorbell.off("restored", onRestored);
    signal.removeEventListener("abort", onWake);
  }
}

/** Until the poll; or until the sweep, if what was looked at lay behind the bounds only. */
function sleepMs({ lanes, pollIntervalMs }: WorkerDeps, swept: boolean): number {
  return swept
    ? pollIntervalMs
    : Math.min(pollIntervalMs, lanes.sweepDueInMs(performance.now()) + 1);
}

type ClaimDeps = WorkerDeps & { readonly lost: LostClaims };

async function claimAll(
  deps: ClaimDeps,
  plan: Plan,
  only: ReadonlySet<string> | null,
): Promise<{ found: boolean; more: boolean; swept: boolean }> {
  const { lanes, slots } = deps;
  // What the bell named may have committed late; the other lanes are not looked at.
  const depth = only === null ? lanes.depth(performance.now()) : "recent";
  let found = false;
  let more = false;
  let { room } = plan;
  for (const { limit: most, full } of plan.claims) {
    const limit = Math.min(most, room);
    if (limit === 0) {
      break;
    }
    const before = performance.now();
    const asked = lanes.next(before, { depth, full, only });
    if (asked.length === 0) {
      continue;
    }
    const tasks = await claim(deps, { limit, lanes: asked, isNamed: only !== null });
    const now = performance.now();
    const isFull = tasks.length === limit;
    // A look into some lanes is no sweep, whose time and cost would count for all.
    const looked = only === null ? depth : "new";
    lanes.claimed(tasks, { now, tookMs: now - before, depth: looked, more: isFull });
    slots.accept(tasks, { more: isFull, epoch: plan.epoch });
    room -= tasks.length;
    found ||= tasks.length > 0;
    more ||= isFull;
  }
  return { found, more, swept: depth === "all" };
}

async function claim(
  { db, doorbell, link, lost, workerId, signal }: ClaimDeps,
  { limit, lanes, isNamed }: { limit: number; lanes: ReturnType<Lanes["next"]>; isNamed: boolean },
): Promise<ClaimedTask[]> {
  let session = isNamed ? doorbell.session : null;
  return await link.run(async () => {
    const on = session ?? db;
    // One that fails to answer is not asked twice.
    session = null;
    try {
      await lost.look();
      failpoint("claim.before");
      const tasks = await claimTasks(on, { workerId, limit, lanes });
      if (tasks.length > 0) {
        failpoint("claim.answered");
      }
      return tasks;
    } catch (err) {
      lost.suspect();
      throw err;
    }
  }, signal);
}

/** Wait longer after each error, and give up after some in a row. */
function failAfter(errorsMax: number, { logger, signal }: WorkerDeps) {
  let errors = 0;
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (;;) {
      try {
        const result = await work();
        errors = 0;
        return result;
      } catch (err) {
        errors += 1;
        if (errors >= errorsMax || signal.aborted) {
          throw err;
        }
        logger.error({ err, errors, errorsMax }, "claiming failed");
        await pause(1_000 * 2 ** errors, signal);
      }
    }
  };
}

import type { Logger } from "pino";
import { failpoint } from "../failpoint.ts";
import type { Lane } from "../lane.ts";
import type { Database } from "../postgres/database.ts";
import type { Doorbell } from "../postgres/doorbell.ts";
import { claimLane, claimTasks } from "../postgres/task-store.ts";
import type { ClaimedTask } from "../task.ts";
import type { DatabaseLink } from "./database-link.ts";
import { pause } from "./every.ts";
import type { Lanes } from "./lanes.ts";
import { LostClaims } from "./lost-claims.ts";
import type { Plan, Slots } from "./slots.ts";

/** Errors in a row, other than a database that does not answer, before the worker gives up. */
const ERRORS_MAX = 5;

export type ClaimsDeps = {
  readonly db: Database;
  readonly link: DatabaseLink;
  readonly doorbell: Pick<Doorbell, "session">;
  readonly lanes: Lanes;
  readonly slots: Pick<Slots, "plan" | "known" | "accept">;
  readonly logger: Logger;
  readonly workerId: string;
  /** Claim nothing more. */
  readonly signal: AbortSignal;
};

/** What a look into the lanes came to; `more` where one of them gave all that was asked for. */
type Found = { readonly found: boolean; readonly more: boolean; readonly swept: boolean };

/** A look into the lanes that is under way, and what there was room for when it began. */
export type Claiming = { readonly plan: Plan; readonly found: Promise<Found> };

/** Claims what is due and hands it to the slots. Its caller makes one look at a time. */
export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #lost: LostClaims;
  #errors = 0;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    this.#lost = new LostClaims({ ...deps, known: () => deps.slots.known() });
  }

  /** Whether `lookForLost` must come before the next claim. */
  get isLostDue(): boolean {
    return this.#lost.isDue;
  }

  async lookForLost(): Promise<void> {
    const { link, signal } = this.#deps;
    await this.#untilDone(() => link.run(() => this.#lost.look(), signal));
  }

  /**
   * Look for as many tasks as there is room for; null without room. `only` is called just
   * before and says into which lanes, or with null into all. On a session that is at hand, the
   * first statement is on its way when this returns. `found` rejects after some errors in a row
   * that no waiting mends.
   */
  begin(only: () => ReadonlySet<string> | null): Claiming | null {
    const plan = this.#deps.slots.plan(performance.now());
    if (plan.claims.length === 0) {
      return null;
    }
    const named = only();
    return { plan, found: this.#untilDone(() => this.#claimAll(plan, named)) };
  }

  async #claimAll(plan: Plan, only: ReadonlySet<string> | null): Promise<Found> {
    const { lanes, slots } = this.#deps;
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
      const tasks = await this.#claim({
        limit,
        lanes: asked,
        inputBytesMax: plan.inputBytesMax,
        isNamed: only !== null,
      });
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

  async #claim(of: {
    limit: number;
    lanes: readonly Lane[];
    inputBytesMax: number;
    isNamed: boolean;
  }): Promise<ClaimedTask[]> {
    const { db, doorbell, link, workerId, signal } = this.#deps;
    const { limit, lanes, inputBytesMax } = of;
    const [first, ...others] = lanes;
    let session = of.isNamed ? doorbell.session : null;
    return await link.run(async () => {
      const on = session ?? db;
      // One that fails to answer is not asked twice.
      session = null;
      try {
        if (this.#lost.isDue) await this.#lost.look();
        failpoint("claim.before");
        const tasks =
          first !== undefined && others.length === 0
            ? await claimLane(on, { workerId, limit, lane: first, inputBytesMax })
            : await claimTasks(on, { workerId, limit, lanes, inputBytesMax });
        if (tasks.length > 0) {
          failpoint("claim.answered");
        }
        return tasks;
      } catch (err) {
        this.#lost.suspect();
        throw err;
      }
    }, signal);
  }

  /** Wait longer after each error, and give up after some in a row. */
  async #untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
    const { logger, signal } = this.#deps;
    for (;;) {
      try {
        const result = await work();
        this.#errors = 0;
        return result;
      } catch (err) {
        this.#errors += 1;
        if (this.#errors >= ERRORS_MAX || signal.aborted) {
          throw err;
        }
        logger.error({ err, errors: this.#errors, errorsMax: ERRORS_MAX }, "claiming failed");
        await pause(1_000 * 2 ** this.#errors, signal);
      }
    }
  }
}

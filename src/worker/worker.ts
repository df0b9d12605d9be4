import type { EventEmitter } from "node:events";
import type { Doorbell, DoorbellEvents } from "../postgres/doorbell.ts";
import { type Claiming, Claims, type ClaimsDeps } from "./claims.ts";
import { pause } from "./every.ts";
import { Flag } from "./flag.ts";
import type { FloodLog } from "./flood-log.ts";
import { Looks } from "./looks.ts";
import { NAP_MS, Naps } from "./naps.ts";
import { RungLanes } from "./rung-lanes.ts";
import type { Slots } from "./slots.ts";

/**
 * Looks that the bell may ask for though they find nothing. Of several workers that it wakes one
 * finds the task, so some in a row are common; a task that comes beside a flood waits for 20 ms.
 */
const EMPTY_LOOKS = { inARow: 50, perSecond: 50 };

export type WorkerDeps = ClaimsDeps & {
  readonly doorbell: EventEmitter<DoorbellEvents> & Pick<Doorbell, "armed" | "arm" | "disarm">;
  readonly slots: Pick<Slots, "isEmpty" | "releaseWaiting">;
  readonly pollIntervalMs: number;
  /** End when nothing is due and nothing runs. */
  readonly drain: boolean;
  /** Raised when a slot became free. */
  readonly changed: Flag;
  /** Told of notifications that were too many to look for each. */
  readonly flood?: Pick<FloodLog, "watch">;
};

/**
 * Claim what is due and hand it to the slots, until the signal aborts or, with `drain`,
 * nothing is left. Throws after some errors in a row that no waiting mends.
 */
export async function runWorker(deps: WorkerDeps): Promise<void> {
  const { slots, changed, signal, doorbell, drain } = deps;
  const claims = new Claims(deps);
  const rung = new Flag();
  const rungLanes = new RungLanes(deps.pollIntervalMs);
  const onWake = () => {
    rung.raise();
    changed.raise();
  };
  const looks = new Looks(onWake, EMPTY_LOOKS);
  deps.flood?.watch(looks);
  const onRing = (said: string) => {
    rungLanes.rang(said);
    looks.ask();
  };
  // Arm it: nothing rings while nobody has said that it sleeps.
  const onRestored = () => onRing("");
  doorbell.on("ring", onRing).on("restored", onRestored);
  signal.addEventListener("abort", onWake);
  const begin = () => {
    // Also where the abort came while something else was waited for, and `rung` tells of it.
    if (signal.aborted) {
      return null;
    }
    return claims.begin(() => {
      rung.lower();
      looks.begin();
      return rungLanes.look({ now: performance.now(), armed: doorbell.armed });
    });
  };
  const naps = new Naps();
  let claiming: Claiming | null = null;
  try {
    // One that was begun before the abort is waited for.
    while (claiming !== null || !signal.aborted) {
      // Here as well: a worker that is busy for hours claims nothing.
      if (claiming === null && claims.isLostDue) await claims.lookForLost();
      claiming ??= begin();
      if (claiming === null) {
        await changed.wait(deps.pollIntervalMs);
        slots.releaseWaiting({ staleAt: performance.now() });
        continue;
      }
      const { plan } = claiming;
      const { found, more, swept } = await claiming.found;
      claiming = null;
      if (found) looks.found();
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
        await (plan.isWhole
          ? // In the turn of the event loop that heard the bell: 0.05 ms earlier.
            rung.wait(mostMs, () => (claiming = begin()))
          : changed.wait(mostMs));
      }
    }
  } finally {
    looks.close();
    doorbell.off("ring", onRing).off("restored", onRestored);
    signal.removeEventListener("abort", onWake);
  }
}

/** Until the poll; or until the sweep, if what was looked at lay behind the bounds only. */
function sleepMs({ lanes, pollIntervalMs }: WorkerDeps, swept: boolean): number {
  return swept
    ? pollIntervalMs
    : Math.min(pollIntervalMs, lanes.sweepDueInMs(performance.now()) + 1);
}

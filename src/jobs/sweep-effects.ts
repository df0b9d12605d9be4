import { dueEffects } from "../postgres/effect-store.ts";
import type { Job } from "./job.ts";

/** A job that was added with its effect comes across it before. */
const OVERDUE_MS = 60_000;
const EFFECTS_MAX = 1_000;

/**
 * Have effects delivered that nobody delivers: their job could not be added, or the process
 * that had it died.
 */
export const sweepEffectsJob: Job = {
  name: "sweep-effects",
  cron: "* * * * *",
  atStart: true,
  async run({ db, isOnce, handOver, signal }) {
    const due = await dueEffects(db, { sinceMs: isOnce ? 0 : OVERDUE_MS, limit: EFFECTS_MAX });
    let changes = 0;
    for (const effect of due) {
      if (signal.aborted) {
        break;
      }
      await handOver(effect);
      changes += 1;
    }
    return { changes, detail: { effectsSwept: changes } };
  },
};

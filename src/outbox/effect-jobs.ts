import type { Task } from "graphile-worker";
import { z } from "zod";
import { dueEffects } from "../database/outbox.ts";
import type { DueEffect } from "../database/rows.ts";
import type { MaintenanceJob } from "../jobs/job.ts";
import { type DeliverDeps, deliverEffect } from "./deliver.ts";

/** As sql/functions/outbox/effect-jobs.sql has it. */
export const DELIVER_EFFECT = "deliver_effect";

const Payload = z.object({ effect_id: z.string() });

/**
 * Deliver the effect that the job names. How it ends stands in the outbox, with the time of
 * the next try, for which there is a job of its own: this one fails with the database alone.
 */
export function deliverEffectTask(deps: Omit<DeliverDeps, "signal">): Task {
  return async (payload, { abortSignal }) => {
    const { effect_id } = Payload.parse(payload);
    await deliverEffect(effect_id, {
      ...deps,
      signal: abortSignal ?? new AbortController().signal,
    });
  };
}

/** The job for an effect: one, however often it is asked for. */
export function effectJob({ effectId, key }: DueEffect) {
  return { payload: { effect_id: effectId }, spec: { jobKey: `effect:${key}` } };
}

/** A job that was added with its effect comes across it before. */
const OVERDUE_MS = 60_000;
const EFFECTS_MAX = 1_000;

/**
 * Have effects delivered that nobody delivers: their job could not be added, or the process
 * that had it died.
 */
export const sweepEffectsJob: MaintenanceJob = {
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

/** The outbox on graphile-worker: a job for each effect, and a sweep for effects without one. */
import { z } from "zod";
import { dueEffects } from "../database/outbox.ts";
import type { DueEffect } from "../database/rows.ts";
import type { EffectJobs, MaintenanceJob } from "../jobs/job.ts";
import { CircuitBreaker } from "../system/http.ts";
import { type DeliverDeps, deliverEffect } from "./deliver.ts";

/** As sql/functions/outbox/effect-jobs.sql has it, which adds the job together with its effect. */
const DELIVER_EFFECT = "deliver_effect";

const Payload = z.object({ effect_id: z.string() });

/**
 * The jobs that deliver effects. How a delivery ends stands in the outbox, with the time of the
 * next try, for which there is a job of its own: this one fails with the database alone.
 */
export function effectJobs(given: Pick<DeliverDeps, "config" | "deliveries">): EffectJobs {
  return {
    name: DELIVER_EFFECT,
    task: (context) => {
      const breaker = new CircuitBreaker(given.config.breaker);
      return async (payload, { abortSignal }) => {
        const { effect_id } = Payload.parse(payload);
        const signal = abortSignal ?? new AbortController().signal;
        await deliverEffect(effect_id, { ...given, ...context, breaker, signal });
      };
    },
    jobOf: ({ effectId, key }: DueEffect) => ({
      payload: { effect_id: effectId },
      spec: { jobKey: `effect:${key}` },
    }),
  };
}

/** Within this time, the job that was added with an effect has claimed it. */
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
  async run({ db, isOnce, deliver, signal }) {
    const due = await dueEffects(db, { sinceMs: isOnce ? 0 : OVERDUE_MS, limit: EFFECTS_MAX });
    let changes = 0;
    for (const effect of due) {
      if (signal.aborted) {
        break;
      }
      await deliver(effect);
      changes += 1;
    }
    return { changes, detail: { effectsSwept: changes } };
  },
};

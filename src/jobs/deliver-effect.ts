import type { Task } from "graphile-worker";
import { z } from "zod";
import { type DeliverDeps, deliverEffect } from "../effects/deliver.ts";
import type { DueEffect } from "../postgres/effect-store.ts";

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

import { z } from "zod";
import { effectsPageOf } from "../../database/effect-lists.ts";
import { retryEffect } from "../../database/outbox.ts";
import { ListedEffect } from "../../database/rows.ts";
import { EFFECT_KINDS, EFFECT_STATUSES } from "../../model/effect.ts";
import { callerIn } from "../access.ts";
import { browseFor } from "../browse.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { replyOf, sent, TaskId } from "../shapes.ts";

const EffectReply = replyOf(ListedEffect).meta({ id: "Effect" });

/** `/api/effects`: what tasks want done outside of the database, and having it tried again. */
export function effectRoutes(app: Gateway, { queue }: GatewayParts): void {
  app.get(
    "/api/effects",
    {
      config: { role: "read" },
      schema: {
        summary: "Effects, the newest first",
        tags: ["effects"],
        querystring: z.strictObject({
          status: z.enum(EFFECT_STATUSES).optional(),
          kind: z.enum(EFFECT_KINDS).optional(),
          after: TaskId.optional().describe("`next` of the page before"),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: {
          200: z.strictObject({
            effects: z.array(EffectReply),
            next: z.string().nullable(),
            looked: z
              .number()
              .nullable()
              .describe("How many were looked at, where older ones may match as well"),
          }),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { rows, next, looked } = await browseFor(queue, { request, reply }, (db) =>
        effectsPageOf(db, request.query),
      );
      return { effects: rows.map(sent), next, looked };
    },
  );

  app.post(
    "/api/effects/:id/retry",
    {
      config: { role: "operate" },
      schema: {
        summary: "Deliver an effect after all that failed or was skipped; false of any other",
        tags: ["effects"],
        params: z.strictObject({ id: TaskId }),
        response: {
          200: z.strictObject({ effect_id: z.string(), retried: z.boolean() }),
          ...FAILURES,
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const retried = await queue.write(callerIn(request), (db) => retryEffect(db, id));
      return { effect_id: id, retried };
    },
  );
}

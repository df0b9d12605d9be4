/** A change that a workflow tells of, and a triage that somebody tries out. */
import { z } from "zod";
import {
  callerIn,
  FAILURES,
  type Gateway,
  type GatewayParts,
  isRecord,
  Refusal,
  signalOf,
} from "../../index.ts";
import { notificationResult } from "../notification/change-notification.ts";
import { receiveChange } from "./receive-change.ts";
import { ChangeEventInput, TriageVerdict } from "./skills.ts";
import { judgePair, PAIR_TYPES, type PairType } from "./triage-pair.ts";

/** Somebody waits for a verdict for up to a minute. */
const ANSWER_MS_MAX = 70_000;

export function triageRoutes(app: Gateway, parts: GatewayParts): void {
  const { queue, maxPayloadBytes } = parts;
  app.post(
    "/api/webhook/change-notification",
    {
      config: { role: "enqueue" },
      schema: {
        summary: "A repository changed: a triage for each repository that depends on it",
        tags: ["triage"],
        body: ChangeEventInput,
        response: { 200: notificationResult, ...FAILURES },
      },
    },
    (request) =>
      queue.write(callerIn(request), (db) => receiveChange(db, request.body, { maxPayloadBytes })),
  );
  tryOutRoute(app, parts, "consumer");
  tryOutRoute(app, parts, "template");
}

const Repo = z.string().min(1).max(200);

/** Who asks names the pair in the query, as the older system's clients do, or in the body. */
function tryOutRoute(app: Gateway, { queue, maxPayloadBytes }: GatewayParts, type: PairType): void {
  const [sourceKey, targetKey] =
    type === "consumer"
      ? (["source_repo", "consumer_repo"] as const)
      : (["template_repo", "derivative_repo"] as const);
  app.post(
    `/api/test/${type}-triage`,
    {
      config: { role: "enqueue" },
      handlerTimeout: ANSWER_MS_MAX,
      schema: {
        summary: `Judge a change for one ${PAIR_TYPES[type]}, and wait for the verdict`,
        tags: ["triage"],
        querystring: z.strictObject({ [sourceKey]: Repo.optional(), [targetKey]: Repo.optional() }),
        body: z
          .looseObject({ [sourceKey]: Repo.optional(), [targetKey]: Repo.optional() })
          .describe("The event of the change, or one with the names and the event as test_changes"),
        response: { 200: TriageVerdict, 502: FAILURES[503], 504: FAILURES[503], ...FAILURES },
      },
    },
    async (request, reply) => {
      const { query, body } = request;
      const named = (key: string) => query[key] ?? body[key];
      const [sourceRepo, targetRepo] = [named(sourceKey), named(targetKey)];
      if (typeof sourceRepo !== "string" || typeof targetRepo !== "string") {
        throw new Refusal(422, "invalid_request", `${sourceKey} and ${targetKey} are needed.`, {
          hint: `POST /api/test/${type}-triage?${sourceKey}=OWNER/NAME&${targetKey}=OWNER/NAME`,
        });
      }
      const { test_changes: changes } = body;
      const verdict = await judgePair(
        { sourceRepo, targetRepo, type },
        isRecord(changes) ? changes : body,
        { queue, maxPayloadBytes, caller: callerIn(request), signal: signalOf(reply) },
      );
      if (verdict === null) {
        const message = `${targetRepo} is not registered as a ${PAIR_TYPES[type]} of ${sourceRepo}.`;
        throw new Refusal(404, "unknown_relationship", message, {
          hint: "GET /api/relationships has those that are",
        });
      }
      return TriageVerdict.parse(verdict);
    },
  );
}

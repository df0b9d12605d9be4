import { z } from "zod";
import { answeredWithin, HEALTH_STATES } from "../../database/health.ts";
import { REPLICA_STATES, type ReplicaStatus } from "../../database/replica.ts";
import { packageVersion } from "../../system/package-folder.ts";
import { ErrorReply } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { RETRY_AFTER_SECONDS, Refusal } from "../refusal.ts";

/** How long the database has to answer a look at readiness. */
const READY_MS_MAX = 5_000;

const Alive = z.strictObject({
  status: z.literal("healthy").describe("In the word that checks of an older system look for."),
  process: z.literal("alive"),
  version: z.string(),
});
const Ready = z.strictObject({
  status: z.literal("ready"),
  database: z
    .enum(HEALTH_STATES)
    .describe(
      "What questions of every 5 s say: degraded after one without an answer, down after 3.",
    ),
  replica: z
    .strictObject({
      state: z.enum(REPLICA_STATES).describe("Lists are read there while it is used."),
      lag_ms: z.int().nullable().describe("What it answers is at most so old; null: not known."),
    })
    .optional()
    .describe("The standbys of DATABASE_REPLICA_URL, where there is one. None makes it unready."),
});

/** `GET /health` and `GET /ready`, for whoever restarts the process, and whoever sends requests. */
export function healthRoutes(app: Gateway, { queue, health, replica }: GatewayParts): void {
  // One question at a time, however many ask.
  let asking: Promise<void> | undefined;
  const ask = () => {
    asking ??= answeredWithin(READY_MS_MAX, queue.ping()).finally(() => {
      asking = undefined;
    });
    return asking;
  };

  app.get(
    "/health",
    {
      config: { role: "open" },
      schema: { summary: "Whether the process lives", tags: ["health"], response: { 200: Alive } },
    },
    () => ({
      status: "healthy" as const,
      process: "alive" as const,
      version: packageVersion(),
    }),
  );

  app.get(
    "/ready",
    {
      config: { role: "open" },
      schema: {
        summary: "Whether requests are served: whether the database answers within 5 s",
        tags: ["health"],
        response: { 200: Ready, 503: ErrorReply },
      },
    },
    async (request) => {
      try {
        await ask();
      } catch (err) {
        request.log.debug({ err }, "not ready");
        throw new Refusal(
          503,
          "not_ready",
          `The database did not answer just now; its state is ${health.state}.`,
          {
            hint: "the log of the gateway says what it answered",
            retryAfter: RETRY_AFTER_SECONDS,
          },
        );
      }
      return {
        status: "ready" as const,
        database: health.state,
        ...(replica === null ? {} : { replica: replicaOf(replica.status) }),
      };
    },
  );
}

function replicaOf({ state, lagMs }: ReplicaStatus) {
  return { state, lag_ms: lagMs };
}

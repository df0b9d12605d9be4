/** The gateway as its rooms see it: the server, and what routes are given. Types alone. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { DatabaseHealth } from "../database/health.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Access } from "./keys.ts";
import type { QueueDoor } from "./queue-door.ts";

/** The server as routes see it: their handlers have the types of their schemas. */
export type Gateway = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes work with. */
export type GatewayParts = {
  readonly access: Access;
  readonly queue: QueueDoor;
  readonly health: DatabaseHealth;
  readonly metrics: Metrics;
  readonly maxPayloadBytes: number;
  /** The crontab, absolute; null: `crontab` here, if there is one. */
  readonly schedulesFile: string | null;
};

/** The gateway as its rooms see it: the server, and what routes are given. Types alone. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { HistoryTail } from "../client/history-tail.ts";
import type { TaskCache } from "../client/task-cache.ts";
import type { DatabaseHealth } from "../database/health.ts";
import type { Replica } from "../database/replica.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Access, Caller } from "./keys.ts";
import type { QueueDoor } from "./queue-door.ts";
import type { Skill } from "./skill.ts";

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
  /** Standbys that lists are read from; null: there are none. */
  readonly replica: Replica | null;
  /** Tells of every transition. */
  readonly events: HistoryTail;
  readonly metrics: Metrics;
  /** Attempts to come in, for the audit log. */
  readonly signIns: SignIns;
  /** Tasks for looks, never for decisions; whatever changes one drops it. */
  readonly tasks: TaskCache;
  readonly maxPayloadBytes: number;
  /** Whether pushes may go to private addresses, as the jobs that deliver them are told. */
  readonly allowPrivate: boolean;
  /** The crontab, absolute; null: `crontab` here, if there is one. */
  readonly schedulesFile: string | null;
  readonly application: ApplicationDoors;
  /** Pages for people; null: none are served. */
  readonly dashboard: Dashboard | null;
  /** How clients reach the gateway, such as `https://queue.example.org`; null: as they say. */
  readonly publicUrl: string | null;
  /** What the server itself adds. */
  readonly limits: StreamLimits;
  readonly streams: StreamPlaces;
  /** Aborts when the server is about to close: streams end, with a word to connect again. */
  readonly closing: AbortSignal;
};

/** What becomes of attempts to come in. */
export type SignIns = {
  /** Note what doors of the server refuse because of who asks. */
  readonly watch: (app: Gateway) => void;
  /** `reason` is a code, such as `unknown_key`. */
  readonly failed: (request: FastifyRequest, reason: string) => void;
  readonly succeeded: (request: FastifyRequest, name: string) => void;
};

/** What an application adds to the gateway. */
export type ApplicationDoors = {
  /** How the gateway introduces itself to agents. */
  readonly agent: {
    readonly name: string;
    readonly displayName: string;
    readonly description: string;
    readonly capabilities: readonly string[];
  };
  readonly skills: readonly Skill[];
  /** Make its routes; called once, behind those of the queue. */
  readonly routes: (app: Gateway, parts: GatewayParts) => void;
};

/**
 * Makes the routes of the pages; called once, behind those of the application. They are above the
 * gateway, which knows them by this type alone.
 */
export type Dashboard = (app: Gateway, parts: GatewayParts) => Promise<void>;

/** What streams of events are held to. */
export type StreamLimits = {
  /** Streams of events that are open: of one key, and of all. */
  readonly streamsPerKey: number;
  readonly streams: number;
  /** A comment after so long keeps proxies from closing a stream. */
  readonly keepAliveMs: number;
  /** Bytes that wait for a client of a stream; beyond that it is waited for, and then cut. */
  readonly waitingBytesMax: number;
  readonly drainMs: number;
};

/** Places for streams. */
type StreamPlaces = {
  /** How many are taken. */
  readonly count: number;
  /** Take one until the response is over. Throws a Refusal where there is none. */
  readonly take: (caller: Caller, reply: FastifyReply) => void;
};

/** What a server is made of. */
export type GivenParts = Omit<GatewayParts, "limits" | "streams" | "closing">;

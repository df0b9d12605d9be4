/** What one process takes at most, and what it answers beyond that. */
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import rateLimit from "@fastify/rate-limit";
import type { ConnectionError, onRequestHookHandler } from "fastify";
import { hasCode } from "../model/errors.ts";
import type { Gateway, StreamLimits } from "./gateway.ts";
import { RETRY_AFTER_SECONDS, Refusal } from "./refusal.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Count it as a request no more: from here on it is a stream, of which there are limits too. */
    leaveFlight: () => void;
  }
}

export type GatewayLimits = StreamLimits & {
  /** That are open. Requests of those beyond are refused. */
  readonly connections: number;
  /** Beyond these as well, a connection is closed without a word. */
  readonly connectionsRefused: number;
  /** Accepted and not answered yet. Far more than there are connections to the database. */
  readonly requestsInFlight: number;
  /** Of the bodies of these, together; one whose length is not said counts as the longest. */
  readonly bodyBytesInFlight: number;
  /** Of a key whose row does not say otherwise, and of all that come without one. */
  readonly requestsPerMinute: number;
  /** Until the last header of a request is there, and until its last byte is. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** Until a request that is there is answered. */
  readonly answerMs: number;
  /** How often slow requests are looked for. */
  readonly lookMs: number;
};

export const GATEWAY_LIMITS: GatewayLimits = {
  connections: 10_000,
  connectionsRefused: 1_000,
  requestsInFlight: 256,
  bodyBytesInFlight: 134_217_728,
  requestsPerMinute: 120_000,
  streamsPerKey: 1_000,
  streams: 5_000,
  keepAliveMs: 15_000,
  waitingBytesMax: 262_144,
  drainMs: 5_000,
  headersMs: 10_000,
  requestMs: 30_000,
  answerMs: 30_000,
  lookMs: 1_000,
};

/** Of a body, beside the longest payload. */
const BODY_BYTES_BESIDE = 1_048_576;

/** What Fastify and Node themselves hold requests to. */
export function serverOptions(
  limits: GatewayLimits,
  { maxPayloadBytes }: { readonly maxPayloadBytes: number },
) {
  return {
    bodyLimit: maxPayloadBytes + BODY_BYTES_BESIDE,
    requestTimeout: limits.requestMs,
    handlerTimeout: limits.answerMs,
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: limits.lookMs },
    clientErrorHandler: replyToBrokenRequest,
  };
}

/**
 * Hold connections to their number. Who comes later is told so with the answer to a request, and
 * disconnected; who asks for nothing is cut by `headersMs`.
 */
export function limitConnections(app: Gateway, limits: GatewayLimits): void {
  const { connections, connectionsRefused } = limits;
  const beyond = new WeakSet<Socket>();
  let open = 0;
  app.server.maxConnections = connections + connectionsRefused;
  app.server.on("connection", (socket: Socket) => {
    open += 1;
    if (open > connections) {
      beyond.add(socket);
    }
    socket.once("close", () => (open -= 1));
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (!beyond.has(request.raw.socket)) {
      done();
      return;
    }
    reply.header("connection", "close");
    done(
      new Refusal(503, "too_many_connections", `The gateway has ${connections} connections open.`, {
        hint: "keep connections alive and share them; another gateway beside this one takes more",
        retryAfter: RETRY_AFTER_SECONDS,
      }),
    );
  });
}

/** Shed what is too much before it is read, so that what was accepted is answered in time. */
export function shedLoad(app: Gateway, limits: GatewayLimits): void {
  let requests = 0;
  let bytes = 0;
  const shed: onRequestHookHandler = (request, reply, done) => {
    const { role, isStream = false } = request.routeOptions.config;
    if (role === "open" || isStream) {
      // A stream would count for as long as it is open: there are limits for these.
      done();
      return;
    }
    const length = lengthOf(request.headers, request.routeOptions.bodyLimit);
    if (requests >= limits.requestsInFlight || bytes + length > limits.bodyBytesInFlight) {
      done(
        new Refusal(503, "overloaded", "The gateway has as many requests as it takes.", {
          hint: "send it again after Retry-After seconds; another gateway beside this one takes more",
          retryAfter: RETRY_AFTER_SECONDS,
        }),
      );
      return;
    }
    requests += 1;
    bytes += length;
    let isOver = false;
    const leave = () => {
      if (isOver) return;
      isOver = true;
      requests -= 1;
      bytes -= length;
    };
    reply.raw.once("close", leave);
    request.leaveFlight = leave;
    done();
  };
  app.decorateRequest("leaveFlight");
  app.addHook("onRequest", shed);
}

function lengthOf(headers: IncomingHttpHeaders, longest: number): number {
  const said = Number(headers["content-length"] ?? 0);
  return headers["transfer-encoding"] === undefined ? said : longest;
}

/** Hold each key to its rate. After guardDoors, which says whose request it is. */
export async function limitRates(app: Gateway, limits: GatewayLimits): Promise<void> {
  await app.register(rateLimit, {
    timeWindow: 60_000,
    max: ({ caller }) => caller?.requestsPerMinute ?? limits.requestsPerMinute,
    keyGenerator: ({ caller, ip }) => (caller === null ? `from ${ip}` : `key ${caller.name}`),
    allowList: ({ routeOptions }) => routeOptions.config.role === "open",
    errorResponseBuilder: (_request, { max }) =>
      new Refusal(429, "too_many_requests", `This key has sent ${max} requests within a minute.`, {
        hint: "wait for Retry-After seconds; enqueue many tasks in one request",
      }),
  });
}

/** What Node could not read as a request, or not in time, has no door that would answer it. */
function replyToBrokenRequest(err: ConnectionError, socket: Socket): void {
  if (hasCode(err, "ECONNRESET") || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, error, message] = hasCode(err, "ERR_HTTP_REQUEST_TIMEOUT")
    ? ["408 Request Timeout", "too_slow", "The request was not there in time."]
    : hasCode(err, "HPE_HEADER_OVERFLOW")
      ? ["431 Request Header Fields Too Large", "headers_too_large", "The headers are too long."]
      : ["400 Bad Request", "not_http", "This is no HTTP request that can be read."];
  const body = JSON.stringify({ error, message, hint: null });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

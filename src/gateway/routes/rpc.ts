/**
 * `POST /rpc`: the queue by JSON-RPC 2.0, under the names of older systems and of A2A, whose card is
 * `/.well-known/agent-card.json`. Streams are server-sent events.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { packageVersion } from "../../system/package-folder.ts";
import { callerIn } from "../access.ts";
import { refusalOf } from "../errors.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { signalOf } from "../gone.ts";
import { MESSAGE_TASK_TYPE } from "../rpc/a2a-message.ts";
import {
  BATCH_MAX,
  BUG,
  idIn,
  notARequest,
  parseRequest,
  RPC_CODES,
  RpcError,
  type RpcId,
  rpcErrorOf,
  rpcFailure,
  rpcResult,
} from "../rpc/json-rpc.ts";
import { rpcMethodOf } from "../rpc/method-table.ts";
import type { RpcContext } from "../rpc/methods.ts";
import { streamTaskByRpc } from "./rpc-stream.ts";

const JSON_TYPE = "application/json; charset=utf-8";

const EMPTY = new RpcError(RPC_CODES.notJson, "The body is empty.", {
  error: "not_json",
  hint: "send a request as JSON",
});

export function rpcRoutes(app: Gateway, parts: GatewayParts): void {
  cardRoute(app, parts);
  app.post(
    "/rpc",
    {
      config: { role: "read", door: "rpc" },
      errorHandler: (error, request, reply) => {
        replyWithRpcError(error, request, reply);
      },
      // From validation on, an empty body and the word null look the same.
      preValidation: ({ body }, _reply, done) => done(body === undefined ? EMPTY : undefined),
      schema: {
        summary: "JSON-RPC 2.0: tasks.get, tasks.cancel, tasks.subscribe, message.send, …",
        tags: ["agents"],
        body: z.unknown().describe("A request, a notification, or a batch of up to 100."),
        response: {
          200: z
            .unknown()
            .describe("The answer, those of a batch, or text/event-stream with one after another."),
          204: z.null().describe("Of notifications."),
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const context = {
        queue: parts.queue,
        maxPayloadBytes: parts.maxPayloadBytes,
        allowPrivate: parts.allowPrivate,
        caller: callerIn(request),
        signal: signalOf(reply),
      };
      const text = Array.isArray(body)
        ? await answerBatch(body, request, context)
        : await answerOne(body, { request, reply, parts, context });
      if (text === STREAMED) {
        return reply;
      }
      return text === null
        ? reply.code(204).send(null)
        : reply.type(JSON_TYPE).serializer(String).send(text);
    },
  );
}

/** The answer is on its way by itself. */
const STREAMED = Symbol("streamed");

type Asked = Omit<RpcContext, "dialect" | "isQuick">;

/** The text of an answer; null: nobody waits for one. */
async function answerOne(
  body: unknown,
  {
    request,
    reply,
    parts,
    context,
  }: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly parts: GatewayParts;
    readonly context: Asked;
  },
): Promise<string | null | typeof STREAMED> {
  let id: RpcId | undefined;
  let dialect: RpcContext["dialect"] = "0.3";
  try {
    const asked = parseRequest(body);
    id = asked.id;
    const method = rpcMethodOf(asked.method, context.caller);
    dialect = method.dialect;
    const whole = { ...context, dialect, isQuick: id === undefined };
    if ("answer" in method) {
      const result = await method.answer(asked.params, whole);
      return id === undefined ? null : rpcResult(id, result);
    }
    const taskId = await method.follow(asked.params, whole);
    if (id === undefined) {
      return null;
    }
    request.leaveFlight();
    await streamTaskByRpc(reply, parts, { taskId, id, caller: context.caller, dialect });
    return STREAMED;
  } catch (err) {
    if (id === undefined && isRequest(body)) {
      return null;
    }
    return failed(err, { id: idIn(body), dialect, request, reply });
  }
}

/** One after another: a batch is one request, and takes as much of the database as one. */
async function answerBatch(
  batch: readonly unknown[],
  request: FastifyRequest,
  context: Asked,
): Promise<string | null> {
  if (batch.length === 0 || batch.length > BATCH_MAX) {
    throw notARequest(`Expected a batch of 1 to ${BATCH_MAX} requests, got ${batch.length}.`);
  }
  const answers: string[] = [];
  for (const body of batch) {
    const answer = await answerOfBatch(body, request, context);
    if (answer !== null) answers.push(answer);
  }
  return answers.length === 0 ? null : `[${answers.join(",")}]`;
}

async function answerOfBatch(
  body: unknown,
  request: FastifyRequest,
  context: Asked,
): Promise<string | null> {
  let dialect: RpcContext["dialect"] = "0.3";
  try {
    const { id, method: name, params } = parseRequest(body);
    const method = rpcMethodOf(name, context.caller);
    dialect = method.dialect;
    if (!("answer" in method)) {
      throw notARequest(`${name} answers with a stream, which no batch has.`);
    }
    const result = await method.answer(params, { ...context, dialect, isQuick: true });
    return id === undefined ? null : rpcResult(id, result);
  } catch (err) {
    return isNotification(body) ? null : failed(err, { id: idIn(body), dialect, request });
  }
}

/** Whether nobody waits for an answer: what is no request at all is told so. */
function isNotification(body: unknown): boolean {
  return isRequest(body) && typeof body === "object" && body !== null && !("id" in body);
}

function isRequest(body: unknown): boolean {
  try {
    parseRequest(body);
    return true;
  } catch {
    return false;
  }
}

/** The text of an error, with the status of HTTP that proxies and clients go by. */
function failed(
  err: unknown,
  {
    id,
    dialect,
    request,
    reply,
  }: {
    readonly id: RpcId;
    readonly dialect: RpcContext["dialect"];
    readonly request: FastifyRequest;
    readonly reply?: FastifyReply;
  },
): string {
  const known = rpcErrorOf(err);
  if (known === null) {
    request.log.error({ err, route: "/rpc" }, "request failed");
  }
  if (reply !== undefined) {
    setStatus(reply, err);
  }
  return rpcFailure(id, inDialect(known ?? BUG, dialect));
}

/** A2A has a number of its own for a task that is not there, and for what a task does not do. */
const NOT_FOUND_1_0 = -32_001;

function inDialect(error: RpcError, dialect: RpcContext["dialect"]): RpcError {
  return dialect === "1.0" && error.code === RPC_CODES.notFound
    ? new RpcError(NOT_FOUND_1_0, error.message, error.data)
    : error;
}

/** What is of HTTP and not of JSON-RPC has its status; all else is 200, as JSON-RPC has it. */
const HTTP_STATUSES = [401, 403, 408, 413, 415, 429, 503];

function setStatus(reply: FastifyReply, err: unknown): void {
  if (err instanceof RpcError) {
    return;
  }
  const refusal = err instanceof Error ? refusalOf(err) : null;
  if (refusal === null) {
    reply.code(500);
    return;
  }
  if (HTTP_STATUSES.includes(refusal.statusCode)) {
    reply.code(refusal.statusCode);
  }
  if (refusal.statusCode === 401) {
    reply.header("www-authenticate", "ApiKey");
  }
  if (refusal.retryAfter !== null) {
    reply.header("retry-after", String(refusal.retryAfter));
  }
}

/** What is refused before the handler: a key, a limit, a body that is no JSON. */
function replyWithRpcError(
  error: FastifyError | RpcError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  reply.code(200);
  const text = failed(error, { id: null, dialect: "0.3", request, reply });
  reply.type(JSON_TYPE).serializer(String).send(text);
}

function cardRoute(
  app: Gateway,
  { application: { agent }, publicUrl, access }: GatewayParts,
): void {
  const capabilities = { streaming: true, pushNotifications: true };
  const schemes = {
    apiKey: { apiKeySecurityScheme: { location: "header", name: "X-API-Key" } },
  };
  app.get(
    "/.well-known/agent-card.json",
    {
      config: { role: "open" },
      schema: {
        summary: "The card of A2A 1.0, which 0.3 reads too",
        tags: ["agents"],
        response: { 200: z.looseObject({ name: z.string() }) },
      },
    },
    (request) => {
      const url = `${publicUrl ?? `http://${request.headers.host ?? ""}`}/rpc`;
      return {
        name: agent.name,
        description: agent.description,
        version: packageVersion(),
        supportedInterfaces: [
          { url, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
          { url, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
        ],
        // Of 0.3.
        protocolVersion: "0.3.0",
        url,
        preferredTransport: "JSONRPC",
        capabilities,
        ...(access.required
          ? {
              securitySchemes: schemes,
              securityRequirements: [{ schemes: { apiKey: { list: [] } } }],
            }
          : {}),
        defaultInputModes: ["text/plain", "application/json"],
        defaultOutputModes: ["application/json"],
        skills: [
          {
            id: "enqueue",
            name: "Enqueue a task",
            description: `A message becomes a task of the type that metadata.task_type names, or ${MESSAGE_TASK_TYPE}`,
            tags: ["queue"],
            examples: [],
          },
        ],
      };
    },
  );
}

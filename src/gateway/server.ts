import swagger from "@fastify/swagger";
import Fastify, { type FastifyBaseLogger, LogController, type onRequestHookHandler } from "fastify";
import {
  createSerializerCompiler,
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { forJson, isRecord } from "../model/json.ts";
import { packageVersion } from "../system/package-folder.ts";
import { guardDoors } from "./access.ts";
import { readBodies } from "./bodies.ts";
import { replyNotFound, replyWithError } from "./errors.ts";
import { OpenStreams } from "./events/open-streams.ts";
import type { Gateway, GatewayParts, GivenParts } from "./gateway.ts";
import {
  GATEWAY_LIMITS,
  type GatewayLimits,
  limitConnections,
  limitRates,
  serverOptions,
  shedLoad,
} from "./limits.ts";
import { allowOrigins } from "./origins.ts";
import { auditRoutes } from "./routes/audit.ts";
import { changeTaskRoutes } from "./routes/change-task.ts";
import { effectRoutes } from "./routes/effects.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { olderTaskRoutes } from "./routes/older-tasks.ts";
import { operationRoutes } from "./routes/operations.ts";
import { queueRoutes } from "./routes/queues.ts";
import { rpcRoutes } from "./routes/rpc.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { skillRoutes } from "./routes/skills.ts";
import { taskActionRoutes, taskRoutes } from "./routes/tasks.ts";
import { validate } from "./shapes.ts";
import { traceRequests } from "./trace-requests.ts";

/** The HTTP side of the queue. Ready for requests, and listening nowhere yet. */
export async function buildGateway(
  given: GivenParts,
  options: { readonly logger: FastifyBaseLogger; readonly limits?: Partial<GatewayLimits> },
): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const app: Gateway = Fastify({
    ...serverOptions(limits, given),
    loggerInstance: options.logger,
    // Names of queues and types, with each character as three.
    routerOptions: { maxParamLength: 1_000 },
    // One line a request, by a hook of ours, in place of two.
    logController: new LogController({ disableRequestLogging: true }),
  }).withTypeProvider<ZodTypeProvider>();

  const closing = new AbortController();
  const parts: GatewayParts = {
    ...given,
    limits,
    streams: new OpenStreams(limits),
    closing: closing.signal,
  };
  // Before it waits for what is open.
  app.addHook("preClose", (done) => {
    closing.abort();
    done();
  });
  readBodies(app);
  app.setValidatorCompiler(validate);
  app.setSerializerCompiler(
    createSerializerCompiler({ replacer: (_key, value) => forJson(value) }),
  );
  app.setErrorHandler(replyWithError);
  app.setNotFoundHandler(replyNotFound);
  app.addHook("onRequest", setSecurityHeaders);
  traceRequests(app);
  await allowOrigins(app, parts.access);
  limitConnections(app, limits);
  shedLoad(app, limits);
  parts.signIns.watch(app);
  guardDoors(app, parts.access);
  await limitRates(app, limits);
  noteAnswers(app, parts);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "triaged", description: "Tasks over HTTP.", version: packageVersion() },
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      return { schema: { operationId: operationId(route.route), ...schema }, url };
    },
    transformObject: jsonSchemaTransformObject, // without it each $ref points nowhere
  });

  // After the plugins, whose hooks see only later routes.
  for (const addRoutes of ROUTES) {
    addRoutes(app, parts);
  }
  parts.application.routes(app, parts);
  await parts.dashboard?.(app, parts);
  app.get("/openapi.json", { config: { role: "read" }, schema: { hide: true } }, () =>
    app.swagger(),
  );

  await app.ready();
  return app;
}

const ROUTES: readonly ((app: Gateway, parts: GatewayParts) => void)[] = [
  healthRoutes,
  metricsRoute,
  taskRoutes,
  taskActionRoutes,
  changeTaskRoutes,
  effectRoutes,
  eventRoutes,
  queueRoutes,
  scheduleRoutes,
  operationRoutes,
  auditRoutes,
  olderTaskRoutes,
  skillRoutes,
  rpcRoutes,
];

/** What an answer means to the cache, the log and the metrics. */
function noteAnswers(app: Gateway, { tasks, metrics }: GatewayParts): void {
  app.addHook("onSend", (request, _reply, _payload, done) => {
    // Before whoever changed a task hears of it, and reads it.
    const { id } = isRecord(request.params) ? request.params : {};
    if (request.method !== "GET" && typeof id === "string") {
      tasks.drop(id);
    }
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, routeOptions } = request;
    const fields = { method, route: routeOptions.url, status: reply.statusCode };
    request.log.debug({ ...fields, ms: Math.round(reply.elapsedTime) }, "request answered");
    metrics.answered({
      method,
      route: request.is404 ? null : (routeOptions.url ?? null),
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1_000,
    });
    done();
  });
}

/** What generated clients call it: `getApiTasksById` of `GET /api/tasks/:id`. */
function operationId({ method, url }: { method: string | string[]; url: string }): string {
  const words = url.replaceAll(/:(\w+)/g, "by/$1").split(/[^A-Za-z0-9]+/);
  const named = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return `${String(method).toLowerCase()}${named}`;
}

/** On every answer: nothing runs, nothing frames, nothing keeps it. */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const setSecurityHeaders: onRequestHookHandler = (_request, reply, done) => {
  reply.headers(SECURITY_HEADERS);
  done();
};

/** What a request that fails is answered: one shape, with a code, a sentence and a hint. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";
import { codeOf, isTransient } from "../database/sqlstate.ts";
import { EnvironmentError } from "../model/errors.ts";
import { PayloadError } from "../model/payload.ts";
import { RETRY_AFTER_SECONDS, Refusal } from "./refusal.ts";

/** Answer what a route threw: a broken request with its fields, a bug without its inside. */
export function replyWithError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map((issue) => ({
      field: fieldName(error.validationContext, issue.instancePath),
      message: issue.message ?? "is not valid",
    }));
    const message = issues.map((issue) => `${issue.field}: ${issue.message}`).join("; ");
    const hint = "GET /openapi.json describes what is accepted";
    // A body that is JSON and no task is unprocessable; all else of a request is a wrong request.
    const status = error.validationContext === "body" ? 422 : 400;
    return reply.code(status).send({ error: "invalid_request", message, hint, issues });
  }
  const refusal = refusalOf(error);
  if (refusal === null) {
    request.log.error({ err: error, route: request.routeOptions.url }, "request failed");
    const hint = "this is a bug in triaged; the log of the gateway has more";
    return reply.code(500).send({ error: "internal", message: "The gateway failed.", hint });
  }
  if (refusal.statusCode === 401) {
    reply.header("www-authenticate", "ApiKey");
  }
  if (refusal.retryAfter !== null) {
    reply.header("retry-after", String(refusal.retryAfter));
  }
  const { code, message, hint } = refusal;
  return reply.code(refusal.statusCode).send({ error: code, message, hint });
}

export function replyNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send({
    error: "not_found",
    message: `There is no ${request.method} ${request.url.split("?")[0] ?? ""}.`,
    hint: "GET /openapi.json lists what there is",
  });
}

/** What of an error a client may know; null for a bug. */
export function refusalOf(
  error: Error & { readonly statusCode?: number | undefined },
): Refusal | null {
  if (error instanceof Refusal) {
    return error;
  }
  if (error instanceof EnvironmentError) {
    return new Refusal(503, "not_ready", error.message, {
      hint: error.hint,
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }
  if (error instanceof PayloadError) {
    return new Refusal(422, "invalid_payload", error.message, { hint: error.hint });
  }
  const refused = DatabaseRefusal.safeParse(error);
  const known = refused.success ? byState(refused.data) : null;
  if (known !== null) {
    return known;
  }
  if (isTransient(error)) {
    return new Refusal(503, "database_unavailable", "The database does not answer.", {
      hint: "send the request again; with an Idempotency-Key nothing is enqueued twice",
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }
  const { statusCode = 500 } = error;
  const code = codeOf(error) ?? "";
  if (code === "FST_ERR_HANDLER_TIMEOUT") {
    return tookTooLong();
  }
  // Of Fastify itself, which read the request: too large, another type of content, and the like.
  return code.startsWith("FST_") && statusCode < 500
    ? new Refusal(statusCode, nameOf(statusCode), error.message, { hint: hintOf(statusCode) })
    : null;
}

function tookTooLong(): Refusal {
  return new Refusal(503, "took_too_long", "The database took too long for this.", {
    hint: "ask for less: fewer tasks, or a filter that more of them fit",
    retryAfter: RETRY_AFTER_SECONDS,
  });
}

/** As far as the errors of the driver have it. */
const DatabaseRefusal = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
});

/** What the queue says of a request, by its SQLSTATE. */
function byState({ code, message, hint = "" }: z.output<typeof DatabaseRefusal>): Refusal | null {
  const say = (status: number, name: string, otherwise: string | null = null) =>
    new Refusal(status, name, message, { hint: hint === "" ? otherwise : hint });
  switch (code) {
    case "TR001":
      return say(404, "unknown_task", "GET /api/tasks lists the newest");
    case "TR002":
      return say(409, "illegal_transition");
    case "TR003":
      return say(422, "limit_exceeded");
    case "42501":
      return say(403, "refused_by_the_database", "`triaged migrate` prints the roles to grant");
    case "25006":
      return say(403, "read_only", "this door was opened to look, not to change anything");
    case "57014":
      return tookTooLong();
    default:
      return code.startsWith("22") ? say(422, "bad_argument") : null;
  }
}

function nameOf(status: number): string {
  return { 413: "too_large", 415: "wrong_content_type" }[status] ?? "invalid_request";
}

function hintOf(status: number): string | null {
  const hints: Record<number, string> = {
    413: "send many tasks in several requests, and a reference in place of a large payload",
    415: "send application/json, or application/x-ndjson for many tasks",
  };
  return hints[status] ?? null;
}

/** `body` and `/tags/0` are `body.tags.0`; an unknown key is a fault of the whole body. */
function fieldName(context: string | undefined, instancePath: string): string {
  return [context, ...instancePath.split("/")].filter(Boolean).join(".");
}

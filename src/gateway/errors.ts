/** What a request that fails is answered: one shape, with a code, a sentence and a hint. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";
import { isTransient } from "../database/sqlstate.ts";
import { EnvironmentError } from "../model/errors.ts";

/** The body of each answer of 400 and above. */
export const ErrorReply = z
  .strictObject({
    error: z.string().describe("A code for programs."),
    message: z.string().describe("A sentence for people."),
    hint: z.string().nullable().describe("What to do about it, or null."),
    issues: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe(
        "Of a request that does not fit its schema: each field, and what is wrong with it.",
      ),
  })
  .meta({ id: "Error" });
export type ErrorReply = z.output<typeof ErrorReply>;

/** How long a client waits, in seconds, before it asks again what was refused for a moment. */
export const RETRY_AFTER_SECONDS = 1;

/** What a route throws when it will not do what was asked for. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly statusCode: number;
  readonly code: string;
  readonly hint: string | null;
  /** Seconds, of a refusal that passes by itself. */
  readonly retryAfter: number | null;

  constructor(
    statusCode: number,
    code: string,
    message: string,
    { hint = null, retryAfter = null }: { hint?: string | null; retryAfter?: number | null } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}

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
function refusalOf(error: FastifyError): Refusal | null {
  if (error instanceof Refusal) {
    return error;
  }
  if (error instanceof EnvironmentError) {
    return new Refusal(503, "not_ready", error.message, {
      hint: error.hint,
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }
  if (isTransient(error)) {
    return new Refusal(503, "database_unavailable", "The database does not answer.", {
      hint: "send the request again; with an Idempotency-Key nothing is enqueued twice",
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }
  return null;
}

/** `body` and `/tags/0` are `body.tags.0`; an unknown key is a fault of the whole body. */
function fieldName(context: string | undefined, instancePath: string): string {
  return [context, ...instancePath.split("/")].filter(Boolean).join(".");
}

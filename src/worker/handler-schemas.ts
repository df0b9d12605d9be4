/**
 * Payload and result as the schemas of a handler give them. Apart from the attempt: it decides
 * when they are read, this file what is wrong with them.
 */

import type { z } from "zod";
import type { Handler } from "../model/handler.ts";
import { parseExactly } from "../model/json.ts";
import { InvalidData } from "./failure.ts";

const ISSUES_MAX = 20;
/** Characters of an issue; how many there may be is up to the schema. */
const ISSUE_MAX = 1_000;

/** Schemas that were found to wait for something. */
const asynchronous = new WeakSet<z.ZodType>();

/** A value as a schema gives it. */
type Parsed = { readonly value: unknown };

/**
 * The payload as the handler's schema gives it; a promise only where the schema itself waits
 * for something. Throws or rejects with InvalidData, which lists the issues, where the payload
 * does not parse: no later attempt would fare better.
 */
export function parseTaskPayload(handler: Handler, text: string): Parsed | Promise<Parsed> {
  const raw: unknown = handler.bigints === true ? parseExactly(text) : JSON.parse(text);
  if (text.includes("__proto__") && hasProtoKey(raw)) {
    throw new InvalidData("payload does not parse: it holds a __proto__ key; rename it");
  }
  return parse(handler.payload, raw, "payload does not parse");
}

/** What a handler returned, by its schema if it has one; otherwise as `parseTaskPayload`. */
export function checkResult(handler: Handler, result: unknown): Parsed | Promise<Parsed> {
  return handler.result === undefined
    ? { value: result }
    : parse(handler.result, result, "result does not match its schema");
}

/**
 * Without a promise where the schema allows it, so that the handler is called in the same turn of
 * the event loop: attempts that start together then block it one after the other, and those that
 * have not started can be released.
 */
function parse(schema: z.ZodType, value: unknown, trouble: string): Parsed | Promise<Parsed> {
  if (!asynchronous.has(schema)) {
    try {
      return unwrapParsed(schema.safeParse(value), trouble);
    } catch (err) {
      if (!isAsynchronous(err)) {
        throw err;
      }
      asynchronous.add(schema);
    }
  }
  return schema.safeParseAsync(value).then((answer) => unwrapParsed(answer, trouble));
}

function unwrapParsed(answer: z.ZodSafeParseResult<unknown>, trouble: string): Parsed {
  if (!answer.success) {
    throw new InvalidData(`${trouble}: ${issueList(answer.error.issues)}`);
  }
  return { value: answer.data };
}

/** By its text: the schema may come with a copy of zod of its own. */
function isAsynchronous(err: unknown): boolean {
  return err instanceof Error && err.message.includes("parseAsync");
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

function issueList(issues: readonly Issue[]): string {
  const lines = issues
    .slice(0, ISSUES_MAX)
    .map(({ path, message }) =>
      `${path.map(String).join(".") || "(whole)"}: ${message}`.slice(0, ISSUE_MAX),
    );
  const more = issues.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

function hasProtoKey(value: unknown): boolean {
  const waiting = [value];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (typeof part === "object" && part !== null) {
      if (Object.hasOwn(part, "__proto__")) {
        return true;
      }
      waiting.push(...Object.values(part));
    }
  }
  return false;
}

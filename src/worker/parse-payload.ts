import type { Handler } from "../handler.ts";
import { InvalidData } from "./invalid-data.ts";

const ISSUES_MAX = 20;

/**
 * The payload as the handler's schema gives it. Throws InvalidData with the list of
 * issues where it does not parse: no later attempt would fare better.
 */
export async function parsePayload(handler: Handler, text: string): Promise<unknown> {
  const raw: unknown = JSON.parse(text);
  if (text.includes("__proto__") && hasProtoKey(raw)) {
    throw new InvalidData("payload does not parse: it holds a __proto__ key; rename it");
  }
  const parsed = await handler.payload.safeParseAsync(raw);
  if (!parsed.success) {
    throw new InvalidData(`payload does not parse: ${issueList(parsed.error.issues)}`);
  }
  return parsed.data;
}

/** What a handler returned, checked by its schema if it has one. Throws InvalidData. */
export async function checkResult(handler: Handler, result: unknown): Promise<unknown> {
  if (handler.result === undefined) {
    return result;
  }
  const parsed = await handler.result.safeParseAsync(result);
  if (!parsed.success) {
    throw new InvalidData(`result does not match its schema: ${issueList(parsed.error.issues)}`);
  }
  return parsed.data;
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

function issueList(issues: readonly Issue[]): string {
  const lines = issues
    .slice(0, ISSUES_MAX)
    .map(({ path, message }) => `${path.map(String).join(".") || "(whole)"}: ${message}`);
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

import { inspect } from "node:util";
import { storableText } from "../storable-text.ts";

/** What is stored of an error, in characters; settle_tasks cuts there too. */
const LENGTH_MAX = 8_192;
const CAUSES_MAX = 5;

/**
 * What a task's row and its history say of something that was thrown: name and message, and
 * those of its causes, unless the one around it begins with them. Bounded, and free of what
 * PostgreSQL cannot store.
 */
export function errorText(thrown: unknown): string {
  try {
    return textOf(thrown);
  } catch (cause) {
    // A getter or a Proxy, of whoever threw it; what that throws may be the like.
    return unreadable(cause);
  }
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return storable(`the handler threw something that is not an Error: ${shown(thrown)}`);
  }
  const lines: string[] = [];
  let err: unknown = thrown;
  for (let depth = 0; err instanceof Error && depth < CAUSES_MAX; depth += 1) {
    // Each cut by itself: together they may be longer than any string can be.
    const line = `${start(err.name)}: ${start(err.message)}`;
    const outer = lines.at(-1);
    // One that was thrown again with a hint behind it has said this already.
    if (outer === undefined || outer === line || !outer.startsWith(line)) {
      lines.push(line);
    }
    err = err.cause;
  }
  return storable(lines.join("\ncaused by "));
}

function unreadable(cause: unknown): string {
  const text = "the handler threw something that cannot be read";
  try {
    return textOf(new Error(text, { cause }));
  } catch {
    return text;
  }
}

function start(text: unknown): string {
  return String(text).slice(0, LENGTH_MAX);
}

/** The beginning of a text, as PostgreSQL can store it. */
export function storable(text: string): string {
  return storableText(text.slice(0, LENGTH_MAX));
}

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

import { inspect } from "node:util";
import { storableText } from "../storable-text.ts";

/** What is stored of an error, in characters; sql/functions/settle_tasks.sql cuts there too. */
const LENGTH_MAX = 8_192;
const CAUSES_MAX = 5;

/**
 * What a task's row and its history say of something that was thrown: name and message, and
 * those of its causes, unless the one around it begins with them. Bounded, and free of what
 * PostgreSQL cannot store.
 */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return storable(`the handler threw something that is not an Error: ${shown(thrown)}`);
  }
  const lines: string[] = [];
  let err: unknown = thrown;
  for (let depth = 0; err instanceof Error && depth < CAUSES_MAX; depth += 1) {
    const line = `${err.name}: ${err.message}`;
    const outer = lines.at(-1);
    // One that was thrown again with a hint behind it has said this already.
    if (outer === undefined || outer === line || !outer.startsWith(line)) {
      lines.push(line);
    }
    err = err.cause;
  }
  return storable(lines.join("\ncaused by "));
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

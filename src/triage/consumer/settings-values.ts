import { jsonValueIn } from "../facts/json-text.ts";

/** Values of settings that strangers wrote: whatever has another shape counts as absent. */

type Fields = Readonly<Record<string, unknown>>;

/** The object in a JSON text; undefined for any other text. */
export function jsonObjectIn(text: string): Fields | undefined {
  return objectIn(jsonValueIn(text));
}

export function objectIn(value: unknown): Fields | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of an object whose values are texts. */
export function textsOf(value: unknown): [key: string, text: string][] {
  return Object.entries(objectIn(value) ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
}

/** Values within each other that are looked at. */
const DEPTH_MAX = 32;

/** All texts in a value, at any depth; keys as well if asked for. */
export function stringsIn(value: unknown, { keys = false, depth = 0 } = {}): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(keys && !Array.isArray(value) ? [key] : []),
    ...stringsIn(inner, { keys, depth: depth + 1 }),
  ]);
}

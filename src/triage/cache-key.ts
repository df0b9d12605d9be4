import { sha256 } from "../sha256.ts";

/**
 * The key under which a verdict can be found again: sha256 of every input that decides it,
 * as JSON with sorted keys.
 */
export function cacheKey(inputs: Readonly<Record<string, unknown>>): string {
  return sha256(canonicalJson(inputs));
}

/** JSON in which the order of keys does not depend on who built the value. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)),
        )
      : inner,
  );
}

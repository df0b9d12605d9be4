import { createHash } from "node:crypto";

/**
 * The key under which a verdict can be found again: sha256 of every input that decides it,
 * as JSON with sorted keys.
 */
export function cacheKey(inputs: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(canonicalJson(inputs)).digest("hex");
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

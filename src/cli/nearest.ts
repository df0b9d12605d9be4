import { closest, distance } from "fastest-levenshtein";

/** The name that was probably meant, or null when none is near. */
export function nearest(given: string, names: readonly string[]): string | null {
  const name = names.length === 0 ? null : closest(given, names);
  return name !== null && distance(given, name) <= Math.max(1, Math.floor(given.length / 2))
    ? name
    : null;
}

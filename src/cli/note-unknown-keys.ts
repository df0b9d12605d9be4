import { visibleLine } from "../foreign-text.ts";
import type { UnknownKey } from "../triage/relationships/unknown-keys.ts";
import { nearest } from "./nearest.ts";
import { note } from "./print.ts";

const NOTES_MAX = 20;

/** Tell of keys that nothing reads, on stderr: they are kept, but one may be a typing error. */
export function noteUnknownKeys(where: string, keys: readonly UnknownKey[]): void {
  for (const { place, key, known } of keys.slice(0, NOTES_MAX)) {
    const meant = nearest(key, known);
    const path = place === "" ? key : `${place}.${key}`;
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    note(visibleLine(`${where}: nothing reads ${path.slice(0, 300)}${hint}`));
  }
  if (keys.length > NOTES_MAX) {
    note(`${where}: and ${keys.length - NOTES_MAX} more`);
  }
}

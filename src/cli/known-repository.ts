import { distance } from "fastest-levenshtein";
import type { Database } from "../postgres/database.ts";
import { repositoryNames } from "../postgres/relationship-store.ts";
import { text } from "../setting.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage-error.ts";

const NAMES_MAX = 10_000;

/** The name of a repository on the command line; the database says more of what it may be. */
export function repository() {
  return text({ max: 200 }).refine((name) => /^[^/\s]+(\/[^/\s]+)+$/.test(name), {
    error: ({ input }) => `expected a repository like owner/name, got "${String(input)}"`,
  });
}

/** Whether it is registered; if not, the name that was probably meant, or null. */
export async function lookUpRepository(
  db: Database,
  name: string,
): Promise<{ known: boolean; meant: string | null }> {
  const names = await repositoryNames(db, NAMES_MAX);
  return names.includes(name)
    ? { known: true, meant: null }
    : { known: false, meant: nearestRepository(name, names) };
}

/**
 * The repository that was probably meant, or null. Owner and name count by themselves: two
 * names of one owner are not alike for that. A name may be anything, so that fewer letters may
 * differ than in a command.
 */
export function nearestRepository(given: string, names: readonly string[]): string | null {
  const meant = nearest(given, names);
  if (meant === null) {
    return null;
  }
  const parts = meant.split("/");
  const isAlike = given.split("/").every((part, place) => isSlip(part, parts[place] ?? ""));
  return isAlike ? meant : null;
}

function isSlip(given: string, meant: string): boolean {
  return distance(given, meant) <= Math.max(1, Math.floor(given.length / 3));
}

/** Throws a UsageError, with the name that was probably meant. */
export async function requireRepository(db: Database, name: string): Promise<void> {
  const { known, meant } = await lookUpRepository(db, name);
  if (!known) {
    throw new UsageError(`${name} is not registered`, {
      hint: meant === null ? "triaged relationships list shows what is" : `did you mean ${meant}?`,
    });
  }
}

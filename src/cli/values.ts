/** Schemas of the words on the command line that no variable of the environment has. */
import { z } from "zod";
import { PRIORITIES, type Priority } from "../new-task.ts";

const ID_MAX = 9_223_372_036_854_775_807n;

/** An id as the commands print it; stays text. */
export function taskId() {
  return idOf("a task");
}

export function effectId() {
  return idOf("an effect");
}

function idOf(what: string) {
  return z.string().refine((given) => /^[1-9]\d{0,18}$/.test(given) && BigInt(given) <= ID_MAX, {
    error: ({ input }) => `expected the number of ${what}, got "${String(input)}"`,
  });
}

export function priority() {
  const known = new Map<string, Priority>([
    ...PRIORITIES.map((word): [string, Priority] => [word, word]),
    ...([0, 1, 2, 3] as const).map((level): [string, Priority] => [String(level), level]),
  ]);
  return z.string().transform((given, context): Priority => {
    const found = known.get(given);
    return (
      found ?? refuse(context, `expected 0 to 3 or one of ${PRIORITIES.join(", ")}, got "${given}"`)
    );
  });
}

const UNITS_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const DURATION_MAX_MS = 3_650 * 86_400_000;

/** `500ms`, `90s`, `10m`, `2h`, `7d`; comes out in milliseconds. */
export function duration() {
  return z.string().transform((given, context) => {
    const ms = parseDuration(given);
    return ms ?? refuse(context, `expected a duration such as 90s, 10m, 2h or 7d, got "${given}"`);
  });
}

function parseDuration(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNITS_MS.get(unit ?? "") ?? NaN));
  return ms <= DURATION_MAX_MS ? ms : null;
}

const INSTANT =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** A point in time, or so many milliseconds from now on, by the clock of the database. */
export type Instant = { readonly runAt: Date } | { readonly delayMs: number };

/** `2027-01-31T08:00:00Z` (without a zone: the local one), or from now on: `+10m`. */
export function instant() {
  return z.string().transform((given, context): Instant => {
    if (given.startsWith("+")) {
      const delayMs = parseDuration(given.slice(1));
      return delayMs === null ? refuseInstant(context, given) : { delayMs };
    }
    const runAt = parseInstant(given);
    return runAt === null ? refuseInstant(context, given) : { runAt };
  });
}

function refuseInstant(context: z.RefinementCtx, given: string): never {
  return refuse(context, `expected a time such as 2027-01-31T08:00:00Z or +10m, got "${given}"`);
}

function parseInstant(text: string): Date | null {
  // Date takes the 31st of February for the 3rd of March.
  const exists = INSTANT.test(text) && z.iso.date().safeParse(text.slice(0, 10)).success;
  // A day alone is midnight here, not in Greenwich, as it is with a time of day.
  const at = exists ? new Date(text.length === 10 ? `${text}T00:00` : text) : null;
  return at === null || Number.isNaN(at.getTime()) ? null : at;
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

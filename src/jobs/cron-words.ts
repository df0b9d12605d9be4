/** A line of cron as people say it: cronstrue's words, and what it would say wrongly. */
import cronstrue from "cronstrue";

/** The five fields: what their first and last values are. */
const FIELDS = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12 },
  { from: 0, to: 6 },
] as const;
/** A list that is longer is said as its step. */
const LISTED_MAX = 6;

/**
 * `0 2 * * 1-5`: "At 02:00, Monday through Friday". Null for what cannot be said. Where days of the
 * month and of the week are given, either is enough, as graphile-worker has it.
 */
export function cronWords(cron: string): string | null {
  const fields = cron.split(" ").map((field, place) => plainField(field, FIELDS[place]));
  try {
    return cronstrue.toString(fields.join(" "), {
      use24HourTimeFormat: true,
      dayOfWeekStartIndexZero: true,
    });
  } catch {
    return null;
  }
}

type Field = (typeof FIELDS)[number] | undefined;

function plainField(field: string, all: Field): string {
  return field
    .split(",")
    .map((part) => plainPart(part, all))
    .join(",");
}

/**
 * A step that does not fit, such as 45 minutes, begins anew with each hour, and is no interval:
 * it is a list of times. A range of one is that one, and one of all is `*`.
 */
function plainPart(part: string, all: Field): string {
  const [, first, last, given] = /^(\d{1,2})-(\d{1,2})(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  const [, ofAll] = /^\*\/(\d{1,3})$/.exec(part) ?? [];
  if (all === undefined || (first === undefined && ofAll === undefined)) {
    return part;
  }
  const from = Number(first ?? all.from);
  const to = Number(last ?? all.to);
  const step = Number(given ?? ofAll ?? 1);
  if (from === to) {
    return String(from);
  }
  if (step <= 1) {
    return from === all.from && to === all.to ? "*" : `${from}-${to}`;
  }
  const isEven = ofAll !== undefined && (all.to - all.from + 1) % step === 0;
  const values = Array.from(
    { length: Math.floor((to - from) / step) + 1 },
    (_, place) => from + place * step,
  );
  return isEven || values.length > LISTED_MAX ? part : values.join(",");
}

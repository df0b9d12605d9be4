/**
 * When a line of cron was due last and is due next, also where clocks are set forward and back.
 * Takes graphile-worker's types alone, so that to ask loads nothing.
 */
import type { TimestampDigest } from "graphile-worker";

/** The five fields of a line of cron, parsed; parseCron in crontab.ts makes one. */
export type CronLine = {
  /** Whether it is due at a time that clocks show. */
  readonly matches: (shown: TimestampDigest) => boolean;
  /** Whether it is due at any time of the day. */
  readonly matchesDay: (shown: TimestampDigest) => boolean;
};

/** A line of a crontab, in the time zone that it is meant in. */
export type Timing = CronLine & {
  /** The hour is `*`, or `*` with a step: it goes by the time that passes. */
  readonly isHourly: boolean;
  readonly timeZone: TimeZone;
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No clock is changed by more, nor twice within this time. */
const CHANGE_MS_MAX = 3 * 3_600_000;
/** The 29th of February may be eight years away. */
const DAYS_MAX = 9 * 366;

/**
 * Whether it is due in the minute that begins at `at`. A time of day that the clocks skip
 * is due when they have skipped it; one that they show twice, the first time. For lines that are
 * due hourly neither holds.
 */
export function isDue({ matches, isHourly, timeZone }: Timing, at: number): boolean {
  const offset = timeZone.offsetMs(at);
  if (matches(cronFieldsOf(at + offset))) {
    return isHourly || !isShownAgain(timeZone, at, offset);
  }
  if (isHourly) {
    return false;
  }
  const skipped = offset - timeZone.offsetMs(at - MINUTE_MS);
  for (let shown = at + offset - skipped; shown < at + offset; shown += MINUTE_MS) {
    if (matches(cronFieldsOf(shown))) {
      return true;
    }
  }
  return false;
}

function isShownAgain(timeZone: TimeZone, at: number, offset: number): boolean {
  const before = timeZone.offsetMs(at - CHANGE_MS_MAX);
  const shift = before - offset;
  return shift > 0 && timeZone.offsetMs(at - shift) === before;
}

/** The first minute after `after` in which it is due; null if there is none in nine years. */
export function nextRun(timing: Timing, after: Date): Date | null {
  const begin = (Math.floor(after.getTime() / MINUTE_MS) + 1) * MINUTE_MS;
  for (let day = begin; day < begin + DAYS_MAX * DAY_MS; day += DAY_MS) {
    const at = firstOfDay(timing, day);
    if (at !== null) {
      return new Date(at);
    }
  }
  return null;
}

/** In the 24 hours from `begin` on. */
function firstOfDay(timing: Timing, begin: number): number | null {
  const { timeZone, matches, matchesDay } = timing;
  const end = begin + DAY_MS;
  const offset = timeZone.offsetMs(end);
  const isEven = timeZone.offsetMs(begin - CHANGE_MS_MAX) === offset;
  const mayBe = matchesDay(cronFieldsOf(begin + offset)) || matchesDay(cronFieldsOf(end + offset));
  if (isEven && !mayBe) {
    return null;
  }
  for (let at = begin; at < end; at += MINUTE_MS) {
    if (isEven ? matches(cronFieldsOf(at + offset)) : isDue(timing, at)) {
      return at;
    }
  }
  return null;
}

/** What clocks show, from the milliseconds that they would be in UTC. */
export function cronFieldsOf(shown: number): TimestampDigest {
  const date = new Date(shown);
  return {
    min: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    date: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    dow: date.getUTCDay(),
  };
}

/**
 * The instant of a digest in UTC, which graphile-worker asks about and which has no year:
 * of the years around `now`, the one in which that day was that day of the week.
 */
export function instantOf({ min, hour, date, month, dow }: TimestampDigest, now: Date): number {
  const year = now.getUTCFullYear();
  for (const candidate of [year, year - 1, year + 1]) {
    const at = new Date(Date.UTC(candidate, month - 1, date, hour, min));
    if (at.getUTCDay() === dow && at.getUTCDate() === date) {
      return at.getTime();
    }
  }
  return Number.NaN;
}

/**
 * The last minute in UTC, at or before `now`, in which the line was due; null if there was none
 * in nine years.
 */
export function lastDue({ matches, matchesDay }: CronLine, now: Date): Date | null {
  let at = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let days = 0; days < DAYS_MAX; days += 1) {
    const midnight = Math.floor(at / DAY_MS) * DAY_MS;
    if (matchesDay(cronFieldsOf(midnight))) {
      for (; at >= midnight; at -= MINUTE_MS) {
        if (matches(cronFieldsOf(at))) {
          return new Date(at);
        }
      }
    }
    at = midnight - MINUTE_MS;
  }
  return null;
}

const BLOCK_MS = 900_000;
const BLOCKS_MAX = 1_000;

/** What clocks show in a place, as the time zone database of Node knows it. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offsets by quarters of an hour, in which no clock on earth is changed. */
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError for a name that is unknown. */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  }

  /** How far clocks are ahead of UTC at an instant, both in milliseconds. */
  offsetMs(at: number): number {
    const block = Math.floor(at / BLOCK_MS);
    const known = this.#offsets.get(block);
    if (known !== undefined) {
      return known;
    }
    if (this.#offsets.size >= BLOCKS_MAX) {
      this.#offsets.clear();
    }
    const offset = this.#offsetOf(block * BLOCK_MS);
    this.#offsets.set(block, offset);
    return offset;
  }

  #offsetOf(at: number): number {
    const parts = new Map(
      this.#format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const shown = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
    );
    return shown - at;
  }
}

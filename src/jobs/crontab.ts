/**
 * A crontab in graphile-worker's format, whose lines enqueue tasks:
 *
 *     CRON_TZ=Europe/Berlin
 *     0 4 * * *  nightly_report  ?id=report&fill=1d&queue=reports&priority=3  {kind: "short"}
 *
 * CRON_TZ is our addition: the time zone of the lines below it. Without one, times are in UTC.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseCronItem, parseCrontab as parseLines } from "graphile-worker";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import { PayloadError, serializePayload } from "../model/payload.ts";
import { withoutMark } from "../model/text.ts";
import { type CronLine, TimeZone, type Timing } from "./due-times.ts";

export type Schedule = {
  /** The option `id`, or the task type. */
  readonly name: string;
  /** Of the line, from 1. */
  readonly line: number;
  /** The five fields. */
  readonly cron: string;
  readonly timing: Timing;
  /** How far back missed runs are caught up, in milliseconds. */
  readonly backfillMs: number;
  /** The arguments of enqueue_task; what the line does not say is absent. */
  readonly task: {
    readonly task_type: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly queue?: string;
    readonly priority?: number;
    readonly max_attempts?: number;
    readonly dedupe_key?: string;
    readonly dedupe_mode?: "keep" | "replace";
  };
};

/** Lines that cannot be used. Each problem begins with the number of its line. */
export class CrontabError extends Error {
  override readonly name = "CrontabError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

const BACKFILL_MS_MAX = 366 * 86_400_000;

/** Read the text of a crontab. Throws a CrontabError with all that is wrong with it. */
export function parseCrontab(text: string): Schedule[] {
  const schedules: Schedule[] = [];
  const problems: string[] = [];
  let timeZone = new TimeZone("UTC");
  for (const [place, raw] of withoutMark(text).split(/\r?\n/).entries()) {
    const line = place + 1;
    const content = raw.trim();
    try {
      const zone = /^CRON_TZ\s*=(.*)/.exec(content)?.[1]?.trimStart();
      if (zone !== undefined) {
        timeZone = parseZone(zone);
      } else if (content !== "" && !content.startsWith("#")) {
        schedules.push(parseLine(content, line, timeZone));
      }
    } catch (err) {
      problems.push(`${line}: ${reasonOf(err)}`);
    }
  }
  problems.push(...repeatedNames(schedules));
  if (problems.length > 0) {
    throw new CrontabError(problems);
  }
  return schedules;
}

function parseZone(given: string): TimeZone {
  const name = given.replace(/^"(.*)"$|^'(.*)'$/, "$1$2");
  try {
    return new TimeZone(name);
  } catch {
    throw new Error(`expected a time zone such as Europe/Berlin, got "${name}"`);
  }
}

function parseLine(content: string, line: number, timeZone: TimeZone): Schedule {
  const fields = content.split(/\s+/, 5);
  const cron = fields.join(" ");
  const [item] = parseLines(content);
  if (item === undefined) {
    throw new Error("expected a schedule");
  }
  const { backfillPeriod, queueName, maxAttempts, priority, jobKey, jobKeyMode } = item.options;
  refuseOutside("max", maxAttempts, [1, 100]);
  refuseOutside("priority", priority, [0, 3]);
  refuseOutside("the characters of queue", queueName?.length, [1, 200]);
  refuseOutside("the characters of jobKey", jobKey?.length, [1, 512]);
  refuseOutside("the characters of the task type", item.task.length, [1, 200]);
  refuseOutside("the milliseconds of fill", backfillPeriod, [0, BACKFILL_MS_MAX]);
  const payload = item.payload ?? {};
  serializePayload(payload);
  refuseRounded(payload);
  return {
    name: item.identifier,
    line,
    cron,
    timing: {
      matches: item.match,
      matchesDay: dayMatcherOf(cron),
      isHourly: fields[1]?.startsWith("*") === true,
      timeZone,
    },
    backfillMs: backfillPeriod,
    task: {
      task_type: item.task,
      payload,
      ...(queueName === undefined ? {} : { queue: queueName }),
      ...(priority === undefined ? {} : { priority }),
      ...(maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
      ...(jobKey === undefined
        ? {}
        : { dedupe_key: jobKey, dedupe_mode: jobKeyMode === "replace" ? "replace" : "keep" }),
    },
  };
}

/** Parse five fields with a space between each. Throws for what is no line of cron. */
export function parseCron(cron: string): CronLine {
  return { matches: matcherOf(cron), matchesDay: dayMatcherOf(cron) };
}

function dayMatcherOf(cron: string): CronLine["matchesDay"] {
  return matcherOf(["*", "*", ...cron.split(" ").slice(2)].join(" "));
}

function matcherOf(cron: string): CronLine["matches"] {
  return parseCronItem({ task: "any", match: cron }).match;
}

/** Refuse integers that JSON5 has rounded: what was written is lost. */
function refuseRounded(payload: object): void {
  const waiting: unknown[] = [payload];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (typeof part === "number" && Number.isInteger(part) && !Number.isSafeInteger(part)) {
      throw new Error(`the payload has an integer beyond 2^53 (about ${part}); write it as text`);
    }
    if (typeof part === "object" && part !== null) waiting.push(...Object.values(part));
  }
}

function refuseOutside(
  name: string,
  value: number | undefined,
  [min, max]: [number, number],
): void {
  if (value !== undefined && !(value >= min && value <= max)) {
    throw new Error(`expected ${name} to be ${min} to ${max}, got ${value}`);
  }
}

function repeatedNames(schedules: readonly Schedule[]): string[] {
  const first = new Map<string, number>();
  return schedules.flatMap(({ name, line }) => {
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, line);
      return [];
    }
    return [`${line}: ${name} is on line ${earlier} already; tell them apart: ?id=other-name`];
  });
}

/** The message of graphile-worker, without its number of the line, which it counts by itself. */
function reasonOf(err: unknown): string {
  if (err instanceof PayloadError) {
    return `${err.message}; ${err.hint}`;
  }
  const message = err instanceof Error ? err.message : String(err);
  return message.startsWith("Could not process line")
    ? 'expected "MINUTE HOUR DAY MONTH WEEKDAY task_type ?options {payload}"'
    : message.replace(/ ?\b(?:on|in) line \d+ of crontab/, "");
}

/** Where the schedules are: the file that the settings name, else `crontab` here, if any. */
export function schedulesFile(setting: string | null): string | null {
  const here = path.resolve("crontab");
  return setting ?? (existsSync(here) ? here : null);
}

/** Read the schedules. Throws an EnvironmentError (78) that names each line that is wrong. */
export function readSchedules(file: string | null): Schedule[] {
  if (file === null) {
    return [];
  }
  try {
    return parseCrontab(readFileSync(file, "utf8"));
  } catch (err) {
    if (err instanceof CrontabError) {
      throw unusableSchedules(file, err.problems);
    }
    const reason = err instanceof Error ? err.message : String(err);
    throw new EnvironmentError(`the schedules cannot be read: ${reason}`, {
      hint: "correct or unset SCHEDULES_FILE",
      exitCode: EXIT_CODES.config,
      cause: err,
    });
  }
}

function unusableSchedules(file: string, problems: readonly string[]): EnvironmentError {
  const lines = problems.map((problem) => `${file}:${problem}`);
  return new EnvironmentError(
    lines.length === 1
      ? (lines[0] ?? "")
      : [`${lines.length} lines of the schedules cannot be used`, ...lines].join("\n  "),
    {
      hint: "docs/schedules.md has the format; `triaged schedules --check` looks at it again",
      exitCode: EXIT_CODES.config,
    },
  );
}

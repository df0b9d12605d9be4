/** Schedules of other systems as lines for SCHEDULES_FILE, or why they cannot be lines. */
import { isRecord, toJson } from "../model/json.ts";
import { visibleLine } from "../model/text.ts";

export type ForeignSchedule = {
  /** Its name there, by which two of one task type are told apart. */
  readonly name: string;
  readonly taskType: string;
  /** Absent: the default one. */
  readonly queue?: string;
  /** Fields of cron, of which a sixth, in front, is of seconds; or a period. */
  readonly times: { readonly cron: string } | { readonly everyMs: number };
  readonly timeZone: string;
  readonly payload: unknown;
  /** What cron has no word for, such as an end. */
  readonly remarks: readonly string[];
};

/** What a line of the crontab takes as a task type, and as an id and a queue. */
const TASK_TYPE = /^[_a-zA-Z][_a-zA-Z0-9:/-]*$/;
const QUEUE = /^[-a-zA-Z0-9_:]+$/;

/** A text for the file; each schedule that cannot be a line is a comment that says why. */
export function crontabLines(schedules: readonly ForeignSchedule[]): string {
  const names = new Set<string>();
  return schedules.flatMap((schedule) => linesOf(schedule, names)).join("\n");
}

function linesOf(schedule: ForeignSchedule, names: Set<string>): string[] {
  const { name, taskType, queue, times, timeZone, payload, remarks } = schedule;
  const comment = (text: string) => `# ${visibleLine(`${name}: ${text}`)}`;
  const cron = "cron" in times ? cronFields(times.cron) : cronOfPeriod(times.everyMs);
  const problem =
    cron === null
      ? `no line of cron runs ${"cron" in times ? times.cron : `every ${times.everyMs} ms`}`
      : TASK_TYPE.test(taskType)
        ? queue === undefined || QUEUE.test(queue)
          ? null
          : `no line takes the queue ${queue}`
        : `no line takes the task type ${taskType}`;
  if (problem !== null) return [comment(`${problem}; schedule it otherwise`)];
  const options = [
    ...(names.has(taskType) ? [`id=${uniqueName(`${taskType}-${name}`, names)}`] : []),
    ...(queue === undefined ? [] : [`queue=${queue}`]),
  ];
  names.add(taskType);
  const words = [
    cron,
    taskType,
    ...(options.length === 0 ? [] : [`?${options.join("&")}`]),
    ...payloadWords(payload),
  ];
  return [...remarks.map(comment), `CRON_TZ=${timeZone}`, words.join(" ")];
}

function payloadWords(payload: unknown): string[] {
  if (payload === undefined || payload === null) return [];
  const json = toJson(isRecord(payload) ? payload : { value: payload });
  return json === "{}" ? [] : [json];
}

function uniqueName(given: string, names: Set<string>): string {
  const base = given.replaceAll(/[^-_a-zA-Z0-9]/g, "-");
  let name = base;
  for (let at = 2; names.has(name); at += 1) name = `${base}-${at}`;
  names.add(name);
  return name;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const WEEKDAYS = "sun mon tue wed thu fri sat".split(" ");

/** Five fields of digits; null: it cannot be said so, as of seconds, or of a last day. */
function cronFields(given: string): string | null {
  const text = given.trim().toLowerCase();
  const fields = (NICKNAMES[text] ?? text).split(/\s+/);
  if (fields.length === 6 && fields.shift() !== "0") return null;
  const [minute, hour, day, month, weekday] = fields.map((field) => (field === "?" ? "*" : field));
  const words = [minute, hour, day, named(month, MONTHS, 1), named(weekday, WEEKDAYS, 0)];
  return fields.length === 5 && words.every(isPlain) ? words.join(" ") : null;
}

/** What a crontab here takes: numbers, ranges, and steps of all. */
function isPlain(field: string | undefined): boolean {
  return (
    field !== undefined &&
    field.split(",").every((part) => /^(?:\d+|\d+-\d+|\*|\*\/\d+)$/.test(part))
  );
}

function named(field: string | undefined, names: readonly string[], first: number) {
  return field?.replaceAll(/[a-z]+/g, (name) => {
    const at = names.indexOf(name);
    return at < 0 ? name : String(at + first);
  });
}

/** A period that begins anew with each hour or day is one only where it divides that. */
function cronOfPeriod(everyMs: number): string | null {
  const minutes = everyMs / 60_000;
  if (!Number.isInteger(minutes) || minutes < 1) return null;
  if (minutes < 60) return 60 % minutes === 0 ? `*/${minutes} * * * *` : null;
  const hours = minutes / 60;
  if (hours === 24) return "0 0 * * *";
  return Number.isInteger(hours) && 24 % hours === 0 ? `0 */${hours} * * *` : null;
}

import { z } from "zod";
import { indented, visibleJson } from "./foreign-text.ts";

const Entry = z.looseObject({ level: z.string(), time: z.string(), msg: z.string().optional() });

/**
 * A JSON log line as a person reads it: time, level, message, then the fields. Comes back
 * as it was when it is no log line. Stack traces follow on lines of their own.
 */
export function formatLogLine(line: string): string {
  const entry = Entry.safeParse(parse(line));
  if (!entry.success) {
    return line;
  }
  const { level, time, msg, err, ...fields } = entry.data;
  const shown = Object.entries(fields)
    .filter(([name]) => !["pid", "hostname"].includes(name))
    .map(([name, value]) => `${name}=${fieldText(value)}`);
  const clock = time.slice(11, 23);
  const head = [clock, level.padEnd(5), msg ?? "", ...shown].join(" ").trimEnd();
  return `${[head, ...trouble(err)].map(indented).join("\n      ")}\n`;
}

/** Text as it is, as long as it is one line that can be seen; else in quotes, with escapes. */
function fieldText(value: unknown): string {
  const json = visibleJson(JSON.stringify(value));
  return typeof value === "string" && json === `"${value}"` ? value : json;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function trouble(err: unknown): string[] {
  const known = z.looseObject({ message: z.string(), stack: z.string().optional() }).safeParse(err);
  return known.success ? (known.data.stack ?? known.data.message).split("\n") : [];
}

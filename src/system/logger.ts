import { destination, type Logger, type LoggerOptions, pino } from "pino";
import { z } from "zod";
import { indented, maskSecrets, visibleJson } from "../model/text.ts";
import type { LogLevel } from "../settings/variables.ts";

/** Payloads may hold anything, so they are never logged, nor is what opens a door. */
const REDACTED = [
  "payload",
  "password",
  "token",
  "secret",
  "authorization",
  "connectionString",
  "databaseUrl",
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * A logger that writes to stderr, because stdout belongs to what a command prints: JSON
 * lines, or readable ones where a person watches. Writes are synchronous: what was logged
 * before a crash is there.
 */
export function createLogger(options: { level: LogLevel; name: string }): Logger {
  return createLoggerTo(destination({ fd: 2, sync: true }), {
    ...options,
    pretty: process.stderr.isTTY,
  });
}

/** The same, into any stream: for tests and for libraries that bring one. */
export function createLoggerTo(
  stream: { write(line: string): unknown },
  options: { level: LogLevel; name: string; pretty?: boolean },
): Logger {
  const settings: LoggerOptions = {
    name: options.name,
    level: options.level,
    redact: { paths: REDACTED, censor: "****" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  const show = options.pretty === true ? formatLogLine : (line: string) => line;
  return pino(settings, {
    write: (line) => void stream.write(show(visibleJson(maskSecrets(line)))),
  });
}

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

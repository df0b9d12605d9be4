import { destination, type Logger, type LoggerOptions, pino } from "pino";
import { visibleJson } from "./foreign-text.ts";
import { formatLogLine } from "./log-line.ts";
import { maskSecrets } from "./mask-secrets.ts";
import type { LogLevel } from "./settings.ts";

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

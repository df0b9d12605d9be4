import * as fc from "fast-check";
import { expect, test } from "vitest";
import { maskSecrets } from "../../../src/model/text.ts";
import { createLoggerTo, formatLogLine } from "../../../src/system/logger.ts";
import { EVERYTHING_HOSTILE, hiddenIn, hostileText } from "../../support/hostile-text.ts";

/** A logger, and what it wrote. */
function recorded(options: { pretty?: boolean } = {}) {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  return { lines, logger: createLoggerTo(stream, { level: "info", name: "test", ...options }) };
}

test.for([
  ["postgres://app:s3cret@db/orders", "postgres://app:****@db/orders"],
  ["postgres://app:s3@cret@db/orders", "postgres://app:****@db/orders"],
  ["to postgresql://app:s3:cret@db and on", "to postgresql://app:****@db and on"],
  ["redis://:s3cret@cache:6379", "redis://:****@cache:6379"],
  ["host=db password=s3cret user=app", "host=db password=**** user=app"],
  ["postgres://app@db/orders, a@b", "postgres://app@db/orders, a@b"],
  ["at file:///app/src/a.ts:12:3", "at file:///app/src/a.ts:12:3"],
  ["see https://example.org:8080/x", "see https://example.org:8080/x"],
] as const)("the secrets of %s are masked", ([text, masked]) => {
  expect(maskSecrets(text)).toBe(masked);
});

test("a connection string in an error, its stack and its fields is masked", () => {
  const { lines, logger } = recorded();

  logger.error({ err: new Error("cannot reach postgres://app:s3cret@db/orders") }, "lost");

  expect(lines.join()).toContain("postgres://app:****@db/orders");
  expect(lines.join()).not.toContain("s3cret");
});

test("payloads and secrets are redacted wherever they are in the fields", () => {
  const { lines, logger } = recorded();

  logger.info(
    {
      payload: { a: "s3cret" },
      task: { payload: "s3cret" },
      pool: { options: { password: "s3cret" } },
    },
    "claimed",
  );

  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: "info",
    name: "test",
    payload: "****",
    task: { payload: "****" },
    msg: "claimed",
  });
  expect(lines.join()).not.toContain("s3cret");
});

test("a person reads time, level, message and fields, then the stack", () => {
  const { lines, logger } = recorded({ pretty: true });

  logger.warn({ taskId: "7", err: new Error("no answer") }, "attempt failed");

  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}attempt failed name=test taskId=7\n/);
  expect(lines[0]).toContain("Error: no answer\n");
});

test("a line that is no log line stays as it is", () => {
  expect(formatLogLine("plain words\n")).toBe("plain words\n");
});

const KEYS = ["err", "error", "hostname", "level", "msg", "name", "pid", "time"];

test("a line of the log stays one line of JSON without a hidden character, whatever is logged", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      const { lines, logger } = recorded();
      logger.warn({ error: text, err: new Error(text) }, text);

      expect(hiddenIn(lines.join(""))).toEqual([]);
      expect(lines.join("").slice(0, -1)).not.toContain("\n");
      const line: unknown = JSON.parse(lines.join(""));
      expect(line).toMatchObject({ level: "warn", error: expect.any(String) });
      expect(Object.keys(Object(line)).toSorted()).toEqual(KEYS);
    }),
    { examples: [[EVERYTHING_HOSTILE]] },
  );
});

test("a line for people forges no second one and drives no terminal, whatever is logged", () => {
  const { lines, logger } = recorded({ pretty: true });

  logger.warn(
    { error: "a\n12:00:00.000 info  all is well", err: new Error("b\n12:00:00.000 c") },
    "d\n12:00:00.000 info e",
  );
  fc.assert(
    fc.property(hostileText(), (text) => {
      logger.warn({ error: text, err: new Error(text), [text]: 1 }, text);
    }),
    { examples: [[EVERYTHING_HOSTILE]] },
  );

  expect(lines[0]).toContain('error="a\\n12:00:00.000 info  all is well"\n');
  expect(hiddenIn(lines.join(""))).toEqual([]);
  const later = lines.flatMap((line) => line.trimEnd().split("\n").slice(1));
  expect(later.filter((line) => /^\S/.test(line))).toEqual([]);
});

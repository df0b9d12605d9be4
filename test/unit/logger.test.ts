import { expect, test } from "vitest";
import { formatLogLine } from "../../src/log-line.ts";
import { createLoggerTo } from "../../src/logger.ts";
import { maskSecrets } from "../../src/mask-secrets.ts";

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

test("what is no log line stays as it is", () => {
  expect(formatLogLine("plain words\n")).toBe("plain words\n");
});

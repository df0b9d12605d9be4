import { expect, test } from "vitest";
import { CircuitBreaker, retryAfterMs } from "../../../src/system/http.ts";

function setUp() {
  const clock = { ms: 1_000 };
  const breaker = new CircuitBreaker(
    { failuresMax: 3, windowMs: 100, pauseMs: 500 },
    () => clock.ms,
  );
  return { clock, breaker };
}

test("so many failures within the window pause a host, and no other", () => {
  const { breaker } = setUp();
  breaker.failed("a");
  breaker.failed("a");
  expect(breaker.pauseOf("a")).toBe(0);

  breaker.failed("a");

  expect(breaker.pauseOf("a")).toBe(500);
  expect(breaker.pauseOf("b")).toBe(0);
});

test("failures that are further apart do not add up", () => {
  const { clock, breaker } = setUp();
  for (let count = 0; count < 9; count += 1) {
    breaker.failed("a");
    clock.ms += 50;
  }

  expect(breaker.pauseOf("a")).toBe(0);
});

test("an answer makes up for the failures before it", () => {
  const { breaker } = setUp();
  breaker.failed("a");
  breaker.failed("a");
  breaker.succeeded("a");

  breaker.failed("a");

  expect(breaker.pauseOf("a")).toBe(0);
});

test("after the pause a host gets the whole number of failures again", () => {
  const { clock, breaker } = setUp();
  for (let count = 0; count < 3; count += 1) {
    breaker.failed("a");
  }
  clock.ms += 500;

  breaker.failed("a");

  expect(breaker.pauseOf("a")).toBe(0);
});

const NOW = Date.parse("2027-01-31T12:00:00Z");

test.for([
  [{}, null],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after": "90" }, 90_000],
  [{ "retry-after": "Sun, 31 Jan 2027 12:01:00 GMT" }, 60_000],
  [{ "retry-after": "Sun, 31 Jan 2027 11:00:00 GMT" }, 0],
  [{ "retry-after": "99999999999" }, 6 * 3_600_000],
  [{ "retry-after": "soon" }, null],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 30) }, 30_000],
  [{ "x-ratelimit-remaining": "7", "x-ratelimit-reset": String(NOW / 1_000 + 30) }, null],
  [{ "x-ratelimit-remaining": "0" }, null],
] as const)("%j", ([headers, expected]) => {
  expect(retryAfterMs(headers, NOW)).toBe(expected);
});

import { expect, test } from "vitest";
import { CircuitBreaker } from "../../../src/system/http.ts";

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

// Goal: however many notifications come, a worker looks at a limited rate, and at the last one.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NotificationThrottle } from "../../../src/worker/wake-up.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Looks that begin as soon as they may, and how many those were. */
function counted({ inARow, perSecond }: { inARow: number; perSecond: number }) {
  let count = 0;
  const throttle = new NotificationThrottle(
    () => {
      count += 1;
      throttle.start();
    },
    { inARow, perSecond },
  );
  return { throttle, count: () => count };
}

test("a notification is looked for at once", () => {
  const { throttle, count } = counted({ inARow: 2, perSecond: 10 });

  throttle.ask();

  expect(count()).toBe(1);
});

test("a flood is looked for at the rate, and its last notification too", () => {
  const { throttle, count } = counted({ inARow: 2, perSecond: 10 });

  for (let second = 0; second < 10; second += 1) {
    for (let of = 0; of < 10_000; of += 1) throttle.ask();
    vi.advanceTimersByTime(1_000);
  }

  expect(count()).toBeLessThanOrEqual(2 + 10 * 10);
  expect(throttle.inVain).toBeGreaterThan(90_000);
  const before = count();
  throttle.ask();
  vi.advanceTimersByTime(1_000);
  expect(count()).toBe(before + 1);
});

test("no more than one look is asked for until it begins", () => {
  const look = vi.fn<() => void>();
  const throttle = new NotificationThrottle(look, { inARow: 100, perSecond: 100 });

  for (let of = 0; of < 1_000; of += 1) throttle.ask();
  expect(look).toHaveBeenCalledTimes(1);
  throttle.start();
  throttle.ask();
  expect(look).toHaveBeenCalledTimes(2);
});

test("looks that find something are not limited", () => {
  const { throttle, count } = counted({ inARow: 2, perSecond: 1 });

  for (let of = 0; of < 100; of += 1) {
    throttle.ask();
    throttle.found();
  }

  expect(count()).toBe(100);
});

test("a look that begins for another reason serves who waits for one", () => {
  const { throttle, count } = counted({ inARow: 1, perSecond: 1 });
  throttle.ask();
  throttle.ask();
  expect(count()).toBe(1);

  throttle.start();
  vi.advanceTimersByTime(10_000);

  expect(count()).toBe(1);
});

test("nothing is looked for after the end", () => {
  const { throttle, count } = counted({ inARow: 1, perSecond: 1 });
  throttle.ask();
  throttle.ask();
  throttle.close();
  throttle.ask();
  vi.advanceTimersByTime(10_000);

  expect(count()).toBe(1);
});

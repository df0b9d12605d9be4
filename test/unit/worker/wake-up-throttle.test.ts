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
  const looks = new NotificationThrottle(
    () => {
      count += 1;
      looks.begin();
    },
    { inARow, perSecond },
  );
  return { looks, count: () => count };
}

test("a notification is looked for at once", () => {
  const { looks, count } = counted({ inARow: 2, perSecond: 10 });

  looks.ask();

  expect(count()).toBe(1);
});

test("a flood is looked for at the rate, and its last notification too", () => {
  const { looks, count } = counted({ inARow: 2, perSecond: 10 });

  for (let second = 0; second < 10; second += 1) {
    for (let of = 0; of < 10_000; of += 1) looks.ask();
    vi.advanceTimersByTime(1_000);
  }

  expect(count()).toBeLessThanOrEqual(2 + 10 * 10);
  expect(looks.inVain).toBeGreaterThan(90_000);
  const before = count();
  looks.ask();
  vi.advanceTimersByTime(1_000);
  expect(count()).toBe(before + 1);
});

test("no more than one look is asked for until it begins", () => {
  const look = vi.fn<() => void>();
  const looks = new NotificationThrottle(look, { inARow: 100, perSecond: 100 });

  for (let of = 0; of < 1_000; of += 1) looks.ask();
  expect(look).toHaveBeenCalledTimes(1);
  looks.begin();
  looks.ask();
  expect(look).toHaveBeenCalledTimes(2);
});

test("looks that find something are not limited", () => {
  const { looks, count } = counted({ inARow: 2, perSecond: 1 });

  for (let of = 0; of < 100; of += 1) {
    looks.ask();
    looks.found();
  }

  expect(count()).toBe(100);
});

test("a look that begins for another reason serves who waits for one", () => {
  const { looks, count } = counted({ inARow: 1, perSecond: 1 });
  looks.ask();
  looks.ask();
  expect(count()).toBe(1);

  looks.begin();
  vi.advanceTimersByTime(10_000);

  expect(count()).toBe(1);
});

test("nothing is looked for after the end", () => {
  const { looks, count } = counted({ inARow: 1, perSecond: 1 });
  looks.ask();
  looks.ask();
  looks.close();
  looks.ask();
  vi.advanceTimersByTime(10_000);

  expect(count()).toBe(1);
});

// Goal: a worker takes as much ahead as it works off, whoever it shares the processor with.

import { expect, test } from "vitest";
import { Pace } from "../../../src/worker/pace.ts";

const CONCURRENCY = 24;

test("a worker that just woke up is told by its first burst", () => {
  const pace = new Pace(CONCURRENCY, 0);
  burst(pace, { at: 0, more: false });

  expect(pace.perMs(3)).toBe(8);
});

test("one that runs in slices is told by its average, however quick each slice is", () => {
  const pace = new Pace(CONCURRENCY, 0);
  // 24 tasks in 3 ms, then half a second without the processor.
  for (let at = 0; at <= 5_000; at += 500) {
    burst(pace, { at, more: true });
    pace.perMs(at + 3);
  }

  expect(pace.perMs(5_003)).toBeLessThan(0.06);
});

function burst(pace: Pace, { at, more }: { at: number; more: boolean }): void {
  pace.claimed(at, { more });
  for (let task = 0; task < CONCURRENCY; task += 1) {
    pace.ended();
  }
}

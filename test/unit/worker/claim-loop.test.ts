// Goal: a worker looks again soon where tasks come one after the other, and only there.

import { expect, test } from "vitest";
import { IdleDelay } from "../../../src/worker/claim-loop.ts";

test("a task after a rest is no reason to look again soon", () => {
  const idle = new IdleDelay();

  expect(idle.isShort({ found: true, now: 1_000 })).toBe(false);
  expect(idle.isShort({ found: true, now: 1_050 })).toBe(false);
});

test("while tasks follow each other it looks again soon, until none comes for a while", () => {
  const idle = new IdleDelay();
  idle.isShort({ found: true, now: 1_000 });
  expect(idle.isShort({ found: true, now: 1_005 })).toBe(true);

  const isShort = Array.from({ length: 3 }, (_, turn) =>
    idle.isShort({ found: false, now: 1_006 + turn }),
  );

  expect(isShort).toEqual([true, true, false]);
});

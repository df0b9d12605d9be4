// Goal: a worker stays awake where tasks come one after the other, and only there.

import { expect, test } from "vitest";
import { IdleDelay } from "../../../src/worker/claim-loop.ts";

test("a task after a rest is no reason to stay awake", () => {
  const idleDelay = new IdleDelay();

  expect(idleDelay.after({ found: true, now: 1_000 })).toBe(false);
  expect(idleDelay.after({ found: true, now: 1_050 })).toBe(false);
});

test("tasks that follow each other keep it awake until none comes for a while", () => {
  const idleDelay = new IdleDelay();
  idleDelay.after({ found: true, now: 1_000 });
  expect(idleDelay.after({ found: true, now: 1_005 })).toBe(true);

  const isAwake = Array.from({ length: 3 }, (_, turn) =>
    idleDelay.after({ found: false, now: 1_006 + turn }),
  );

  expect(isAwake).toEqual([true, true, false]);
});

// Goal: no lane waits behind another one of its priority for ever.

import { expect, test } from "vitest";
import type { ClaimedTask } from "../../../src/model/task.ts";
import { Lanes } from "../../../src/worker/lanes.ts";
import { makeClaimedTask } from "../../support/handlers.ts";

const ROUNDS = 200;

test("beside a type with a limit of its own, each of the others comes first", () => {
  const lanes = new Lanes(["default"], ["a", "b", "limited"]);
  const first = new Set<string | undefined>();

  // What a worker asks for while the limited type is not full: two claims a round.
  for (let round = 0; round < ROUNDS; round += 1) {
    first.add(lanes.next(0, { depth: "new", full: new Set(["limited"]) })[0]?.taskType);
    lanes.next(0, { depth: "new", full: new Set(["a", "b"]) });
  }

  expect(first).toEqual(new Set(["a", "b"]));
});

test("a higher priority comes before a lower one", () => {
  const lanes = new Lanes(["one", "two"], ["a", "b"]);

  const priorities = lanes
    .next(0, { depth: "new", full: new Set() })
    .map(({ priority }) => priority);

  expect(priorities).toEqual(priorities.toSorted((one, other) => one - other));
  expect(priorities).toHaveLength(16);
});

const QUIET = { tookMs: 1, more: false };
const BUSY = { tookMs: 1, more: true };

test("a look back sees what committed some seconds late, and a sweep sees all", () => {
  const lanes = new Lanes(["default"], ["a"]);
  for (let now = 0; now <= 10_000; now += 50) {
    const depth = lanes.depth(now);
    lanes.next(now, { depth, full: new Set() });
    lanes.claimed([taskAt(now)], { now, depth, ...QUIET });
  }

  const bounds = (["new", "recent", "all"] as const).map(
    (depth) => lanes.next(10_050, { depth, full: new Set() })[2]?.after?.runAt,
  );

  expect(Number(bounds[0])).toBeGreaterThan(9_700);
  expect(Number(bounds[1])).toBeGreaterThan(5_900);
  expect(Number(bounds[1])).toBeLessThan(8_100);
  expect(bounds[2]).toBeUndefined();
});

test("a sweep that finds all behind where the worker was takes it back there", () => {
  const lanes = new Lanes(["default"], ["a"]);
  const look = (now: number, runAt: number | null) => {
    const depth = lanes.depth(now);
    lanes.next(now, { depth, full: new Set() });
    const found = runAt !== null && depth === "all";
    lanes.claimed(found ? [taskAt(runAt)] : [], { now, depth, ...QUIET });
  };
  for (let now = 0; now <= 10_000; now += 50) {
    lanes.next(now, { depth: "new", full: new Set() });
    lanes.claimed([taskAt(now + 3_600_000)], { now, depth: lanes.depth(now), ...QUIET });
  }

  // The server's clock goes back an hour.
  for (let now = 10_050; now <= 15_000; now += 50) look(now, now);

  const bound = lanes.next(15_050, { depth: "new", full: new Set() })[2]?.after?.runAt;
  expect(Number(bound)).toBeLessThan(15_050);
});

test("most claims look at what is new, some back, few at all", () => {
  const lanes = new Lanes(["default"], ["a"]);
  const count = { new: 0, recent: 0, all: 0 };

  for (let now = 0; now < 10_000; now += 10) {
    const depth = lanes.depth(now);
    count[depth] += 1;
    lanes.next(now, { depth, full: new Set() });
    lanes.claimed([], { now, depth, ...QUIET });
  }

  expect(count).toEqual({ new: 950, recent: 40, all: 10 });
});

test("looks back that take long are rare, and frequent again once they are cheap", () => {
  const lanes = new Lanes(["default"], ["a"]);
  const looksBack = (from: number, to: number, tookMs: number) => {
    let count = 0;
    for (let now = from; now < to; now += 50) {
      const depth = lanes.depth(now);
      count += depth === "new" ? 0 : 1;
      lanes.next(now, { depth, full: new Set() });
      lanes.claimed([], { now, depth, tookMs, more: true });
    }
    return count;
  };

  expect(looksBack(0, 20_000, 100)).toBeLessThanOrEqual(21);
  expect(looksBack(30_000, 40_000, 1)).toBeGreaterThan(45);
});

test("a busy worker of many types leaves out the lanes that were empty, for a moment", () => {
  const lanes = new Lanes(
    ["default"],
    Array.from({ length: 50 }, (_, place) => `type-${place}`),
  );
  const claim = (now: number, more: boolean) => {
    const asked = lanes.next(now, { depth: "new", full: new Set() });
    lanes.claimed([taskAt(now, "type-7")], { now, tookMs: 1, depth: "new", more });
    return asked.length;
  };

  expect(claim(0, true)).toBe(200);
  // The lanes of the two priorities above were looked at for sure.
  expect(claim(10, true)).toBeLessThanOrEqual(100);
  expect(claim(20, false)).toBeLessThanOrEqual(100);
  // It has time now.
  expect(claim(30, true)).toBe(200);
  expect(claim(200, true)).toBe(200);
});

test("a busy worker of few types looks into each lane", () => {
  const lanes = new Lanes(["default"], ["a", "b"]);
  lanes.next(0, { depth: "new", full: new Set() });
  lanes.claimed([taskAt(0)], { now: 0, depth: "new", ...BUSY });

  expect(lanes.next(10, { depth: "new", full: new Set() })).toHaveLength(8);
});

/** Due at that millisecond, which is its id as well. */
function taskAt(now: number, taskType = "a"): ClaimedTask {
  return makeClaimedTask({
    taskId: String(now),
    taskType,
    runAt: String(now).padStart(8, "0"),
  });
}

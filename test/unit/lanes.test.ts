// Goal: no lane waits behind another one of its priority for ever.

import { expect, test } from "vitest";
import { Lanes } from "../../src/worker/lanes.ts";

const ROUNDS = 200;

test("beside a type with a limit of its own, each of the others comes first", () => {
  const lanes = new Lanes(["default"], ["a", "b", "limited"]);
  const first = new Set<string | undefined>();

  // What a worker asks for while the limited type is not full: two claims a round.
  for (let round = 0; round < ROUNDS; round += 1) {
    first.add(lanes.next(0, { sweep: false, full: new Set(["limited"]) })[0]?.taskType);
    lanes.next(0, { sweep: false, full: new Set(["a", "b"]) });
  }

  expect(first).toEqual(new Set(["a", "b"]));
});

test("a higher priority comes before a lower one", () => {
  const lanes = new Lanes(["one", "two"], ["a", "b"]);

  const priorities = lanes
    .next(0, { sweep: false, full: new Set() })
    .map(({ priority }) => priority);

  expect(priorities).toEqual(priorities.toSorted((one, other) => one - other));
  expect(priorities).toHaveLength(16);
});

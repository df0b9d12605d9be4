import { expect, test } from "vitest";
import type { Class } from "../../corpus/class.ts";
import { confusion, faults, type Judged } from "../../corpus/confusion.ts";

const U = "breaking and used";
const N = "breaking, not used";
const H = "not breaking";

function judged(expected: Class, got: Class, count = 1): Judged[] {
  return Array.from({ length: count }, () => ({ name: "one", expected, got }));
}

test("a case is counted where its class meets what came out", () => {
  const all = [...judged(U, U, 2), ...judged(N, U), ...judged(N, H), ...judged(H, H, 3)];

  expect(confusion(all)).toEqual([
    { expected: U, counts: [2, 0, 0] },
    { expected: N, counts: [1, 0, 1] },
    { expected: H, counts: [0, 0, 3] },
  ]);
});

test.for<[title: string, all: Judged[], wrong: string[]]>([
  ["nine of ten", [...judged(U, U, 9), ...judged(N, U)], []],
  ["a break that was not seen but is not used", [...judged(U, U, 9), ...judged(N, H)], []],
  [
    "eight of ten",
    [...judged(U, U, 8), ...judged(H, U, 2)],
    ["8 of 10 are right; at least 90 % must be"],
  ],
  [
    "one silent break of a hundred",
    [...judged(U, U, 99), ...judged(U, N)],
    ["one breaks its consumer and came out as no action"],
  ],
  ["no case at all", [], ["0 of 0 are right; at least 90 % must be"]],
])("%s: %o", ([, all, wrong]) => {
  expect(faults(all)).toEqual(wrong);
});

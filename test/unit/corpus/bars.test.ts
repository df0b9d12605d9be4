import { expect, test } from "vitest";
import {
  BARS,
  byKind,
  costlyCases,
  faults,
  PEAK_MIB_MAX,
  standings,
  tallyOf,
} from "../../corpus/bars.ts";
import type { Judged } from "../../corpus/judge.ts";

const GOOD: Judged = {
  name: "one",
  kind: "everyday",
  usedForRules: true,
  breaks: true,
  asked: true,
  namesFirst: true,
  claims: true,
  proves: true,
  deniesUse: false,
};
const HARMLESS: Judged = { ...GOOD, breaks: false, asked: false, namesFirst: false, claims: false };

function several(count: number, one: Judged): Judged[] {
  return Array.from({ length: count }, () => one);
}

test("a tally counts breaks and harmless changes apart", () => {
  const judged = [
    ...several(3, GOOD),
    { ...GOOD, asked: false, namesFirst: false, claims: false },
    { ...GOOD, namesFirst: false, proves: false },
    ...several(2, HARMLESS),
    { ...HARMLESS, asked: true },
    { ...HARMLESS, deniesUse: true },
  ];

  expect(tallyOf(judged)).toEqual({
    cases: 9,
    breaks: 5,
    missed: 1,
    namedFirst: 3,
    harmless: 4,
    falseAlarms: 1,
    claims: 4,
    unproven: 1,
    deniedUses: 1,
  });
});

test("kinds are told in one order, and none without a case", () => {
  const judged: Judged[] = [HARMLESS, { ...GOOD, kind: "service" }, GOOD];

  expect(byKind(judged).map(({ kind, tally }) => [kind, tally.cases])).toEqual([
    ["service", 1],
    ["everyday", 2],
  ]);
});

test("a perfect run reaches every goal", () => {
  const judged = [...several(20, GOOD), ...several(20, HARMLESS)];

  expect(standings(judged, "marked").every(({ isReached }) => isReached)).toBe(true);
  expect(faults(judged)).toEqual([]);
});

/** The goals that unmarked cases miss. */
function missed(judged: readonly Judged[]): string[] {
  return standings(judged, "unmarked")
    .filter(({ isReached }) => !isReached)
    .map(({ name }) => name);
}

test("the goals: no miss at all, one false alarm of twenty, nineteen of twenty named first", () => {
  const good = [...several(19, GOOD), ...several(19, HARMLESS)];

  expect(missed([...good, { ...GOOD, namesFirst: false }, { ...HARMLESS, asked: true }])).toEqual(
    [],
  );
  expect(missed([...good, { ...GOOD, asked: false, namesFirst: false }])).toEqual([
    "breaks that are used and come out as no action",
  ]);
  expect(missed([...good, ...several(2, { ...HARMLESS, asked: true })])).toEqual([
    "harmless changes that ask for action",
  ]);
  expect(missed([...good, ...several(2, { ...GOOD, namesFirst: false })])).toEqual([
    "breaks named first, at their line",
  ]);
  expect(missed([...good, { ...GOOD, proves: false }])).toEqual(['"breaks" without a proof']);
  expect(missed([...good, { ...HARMLESS, deniesUse: true }])).toEqual([
    '"does not use it" of what is used',
  ]);
});

test("no bar of today asks for more than its goal", () => {
  for (const { side, today, goal } of BARS) {
    for (const share of Object.values(today)) {
      expect(side === "at most" ? share >= goal : share <= goal).toBe(true);
    }
  }
});

test("a run of all misses is at fault, whatever the bars of today, and so is one of no cases", () => {
  const silent = several(10, { ...GOOD, asked: false, namesFirst: false, claims: false });
  const alarmed = several(10, { ...HARMLESS, asked: true });

  expect(faults([...silent, ...alarmed]).length).toBeGreaterThan(0);
  expect(faults([])).toEqual(["no case was judged"]);
});

const held = (name: string, peakMib: number | null) => ({ judged: { ...GOOD, name }, peakMib });

test("a case that holds more memory than it may is told by its name", () => {
  const outcomes = [
    held("small", PEAK_MIB_MAX),
    held("large", PEAK_MIB_MAX + 1),
    held("shared", null),
  ];

  expect(costlyCases(outcomes)).toEqual(["large held 451 MiB; 450 at most"]);
});

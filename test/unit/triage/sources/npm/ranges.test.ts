import { expect, test } from "vitest";
import { isRangeWithin } from "../../../../../src/triage/sources/npm/ranges.ts";

test.for([
  [">=22.12", "^20.19.0 || ^22.12.0 || >=23.0.0", true],
  [">=20.19", "^20.19.0 || ^22.12.0 || >=23.0.0", false],
  ["^20.19 || ^22.12 || >=24", "^20.19.0 || ^22.12.0 || >=23.0.0", true],
  [">=22.11", "^20.19.0 || ^22.12.0 || >=23.0.0", false],
  [">=18", "^18 || ^20 || >=22", false],
  [">=18", "^18 || ^19 || >=20", true],
  ["18 - 20", "^18 || ^19 || ^20", true],
  ["*", ">=0.0.0", true],
  ["*", ">=1", false],
  ["", "^1 || >=2", false],
  ["<2", "<1 || ^1", true],
  ["<=2.0.0", "<1 || ^1", false],
  [">2.0.0", ">=2.0.1", true],
  ["1.2.3", ">=1 <2", true],
  ["^1.0.0-beta.1", "^1.0.0", true],
] as const)("%j within %j: %j", ([range, other, expected]) => {
  expect(isRangeWithin(range, other)).toBe(expected);
});

test.for(["latest", "catalog:", "workspace:x"])("%j is no range, and within none", (range) => {
  expect(isRangeWithin(range, "*")).toBeNull();
});

import { expect, test } from "vitest";
import { LabelLimit } from "../../../src/metrics/label-limit.ts";

test("the first combinations keep their names, and all later ones are other", () => {
  const limit = new LabelLimit(2);

  expect([limit.of("a", "x"), limit.of("a", "y"), limit.of("b", "x"), limit.of("a", "x")]).toEqual([
    ["a", "x"],
    ["a", "y"],
    ["other", "other"],
    ["a", "x"],
  ]);
});

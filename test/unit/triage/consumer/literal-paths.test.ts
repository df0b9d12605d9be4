import { expect, test } from "vitest";
import {
  asksFor,
  hasParameter,
  literalPath,
} from "../../../../src/triage/consumer/literal-paths.ts";

function pathOf(text: string) {
  const found = literalPath(text);
  if (found === null) throw new Error(`expected a path: ${text}`);
  return found;
}

test.for([
  ["/v1/find?q=${text}", true],
  ["/v1/find?page=1&q=a", true],
  ["/v1/find?page=1", false],
  ["/v1/find?quick=1", false],
  ["/v1/q", false],
] as const)("a parameter is given by the query that is written: %s, %s", ([text, isGiven]) => {
  expect(hasParameter(pathOf(text), "q")).toBe(isGiven);
});

test.for([
  ["/v1/orders", true],
  ["http://orders:8080/v1", true],
  ["/v1", false],
  ["/v2/orders", false],
] as const)("all below a prefix: %s, %s", ([text, isBelow]) => {
  expect(asksFor(pathOf(text), ["v1", "**"], [])).toBe(isBelow);
});

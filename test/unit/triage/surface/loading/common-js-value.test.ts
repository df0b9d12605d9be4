import { expect, test } from "vitest";
import {
  UNKNOWN_VALUE,
  valueIn,
} from "../../../../../src/triage/surface/loading/common-js-value.ts";

test("a function whose members are what it returns is read once, not once for each way", () => {
  const members = Array.from({ length: 20 }, (_, at) => `made.way${at} = make();`);
  const text = `
    function make() {
      function made() {}
      ${members.join("\n")}
      return made;
    }
    module.exports = make();
  `;

  const { whole, members: found } = valueIn(text, () => UNKNOWN_VALUE);

  expect(whole).toBe("function");
  expect([...found.keys()]).toEqual(members.map((_, at) => `way${at}`));
});

test("a file that would take too many readings is unknown", () => {
  // Each function has two ways to each of the next ones, and none of them is a circle.
  const text = Array.from({ length: 40 }, (_, at) => {
    const next = [1, 2, 3, 4].map((step) => `way${at}.by${step} = way${at + step};`);
    return `const way${at} = {}; ${next.join(" ")}`;
  }).join("\n");

  const { whole, members } = valueIn(`${text}\nmodule.exports = way0;`, () => UNKNOWN_VALUE);

  expect(whole).toBe("object");
  expect(members.get("by4")).toBe("unknown");
});

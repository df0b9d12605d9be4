import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  indented,
  visibleJson,
  visibleLine,
  visibleParts,
  visibleText,
} from "../../../src/model/text.ts";
import { EVERYTHING_HOSTILE, hiddenIn, hostileText } from "../../support/hostile-text.ts";

test("visible text keeps line breaks and tabs and nothing else that moves a terminal", () => {
  expect(visibleText("a\n\tb\u001b[31mc\u0000\u009b31md\r")).toBe("a\n\tbcd");
  expect(visibleText("a\r\nb\u2028c\u0085d")).toBe("a\nb\nc\nd");
  expect(visibleText("naïve слово 漢字 → 🙂")).toBe("naïve слово 漢字 → 🙂");
});

test("nothing hidden is left of any text, and a line stays one", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      expect(hiddenIn(visibleText(text))).toEqual([]);
      expect(visibleLine(text)).not.toMatch(/[\n\t]/);
      expect(visibleText(visibleText(text))).toBe(visibleText(text));
    }),
  );
  expect(hiddenIn(visibleText(EVERYTHING_HOSTILE))).toEqual([]);
});

test("no line of an indented text passes for one of ours", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      expect(
        indented(text)
          .split("\n")
          .slice(1)
          .every((line) => /^(?:\s|$)/.test(line)),
      ).toBe(true);
    }),
  );
});

test("visible JSON says the same to a program, without a hidden character", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      const json = JSON.stringify({ [text]: [text] }, null, 2);

      expect(hiddenIn(visibleJson(json))).toEqual([]);
      expect(JSON.parse(visibleJson(json))).toEqual(JSON.parse(json));
    }),
  );
});

test("a text of a megabyte that nearly is an escape sequence costs no more than another", () => {
  const size = 1_048_576;
  for (const text of ["\u001b".repeat(size), `\u001b${"[;1".repeat(size / 3)}`]) {
    expect(visibleText(text).length).toBeLessThanOrEqual(size);
  }
});

test("the parts of a text are all of it, with what is hidden as escapes", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      const parts = visibleParts(text);
      const plain = parts.filter(({ isHidden }) => !isHidden).map((part) => part.text);

      expect(hiddenIn(plain.join("").replaceAll(/\u200d|\ufe0f/g, ""))).toEqual([]);
      expect(
        parts
          .filter(({ isHidden }) => isHidden)
          .every((part) => /^(?:\\u[0-9a-f]{4})+$/.test(part.text)),
      ).toBe(true);
    }),
  );
  expect(visibleParts("a\u001b[b")).toEqual([
    { text: "a", isHidden: false },
    { text: String.raw`\u001b`, isHidden: true },
    { text: "[b", isHidden: false },
  ]);
});

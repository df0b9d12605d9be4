import { expect, test } from "vitest";
import {
  foldedText,
  shownLine,
  shownText,
  TEXT_CHARS_MAX,
} from "../../../../src/dashboard/components/shown-text.ts";
import { hiddenIn } from "../../../support/hostile-text.ts";

test("markup in a text is text", () => {
  expect(String(shownText(`<script>alert("1")</script>`))).toBe(
    "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;",
  );
});

test.for([
  ["a terminal's colour", "\u001b[31mred", String.raw`\u001b`],
  ["a turned direction", "user\u202etxt.exe", String.raw`\u202e`],
  ["a bell", "ding\u0007", String.raw`\u0007`],
  ["an invisible letter", "ad\u200bmin", String.raw`\u200b`],
  ["half of a letter", "x\ud83dx", String.raw`\ud83d`],
] as const)("%s is marked and written as an escape", ([, text, escape]) => {
  const shown = String(shownText(text));

  expect(shown).toContain(`title="invisible characters">${escape}</span>`);
  expect(hiddenIn(shown)).toEqual([]);
});

test("a pictogram keeps what it is made of", () => {
  expect(String(shownText("⚠️ 👩‍💻 é"))).toBe("⚠️ 👩‍💻 é");
});

test("a line has no line breaks, and ends where it is too long", () => {
  expect(String(shownLine("one\n  two\tthree", 9))).toBe("one two t…");
});

test("a long text begins folded, and is there as a whole", () => {
  const text = `${"a".repeat(400)} the end`;

  expect(String(foldedText("short"))).toBe("short");
  expect(String(foldedText(text))).toContain("<details");
  expect(String(foldedText(text))).toContain(text);
});

test("of a text beyond the limit it is said how much is missing", () => {
  expect(String(shownText("a".repeat(TEXT_CHARS_MAX + 2)))).toContain("2 more characters");
});

import { expect, test } from "vitest";
import {
  DIFF_LINES_MAX,
  diffView,
  isDiff,
} from "../../../../src/dashboard/components/diff-view.ts";

const DIFF = `diff --git a/x.md b/x.md
--- a/x.md
+++ b/x.md
@@ -1,3 +1,3 @@
 same
--- a heading
+<b>bold</b>
`;

test("a unified diff is known by its hunks", () => {
  expect(isDiff(DIFF)).toBe(true);
  expect(isDiff("- a list\n+ of signs")).toBe(false);
});

test("lines that go and come are told apart from headers", () => {
  const shown = String(diffView(DIFF, "x"));

  expect(shown.match(/<del/g)).toHaveLength(1);
  expect(shown.match(/<ins/g)).toHaveLength(1);
  expect(shown.match(/class="line file"/g)).toHaveLength(3);
  expect(shown).toContain(`<del class="line">--- a heading`);
  expect(shown).toContain("&lt;b&gt;bold&lt;/b&gt;");
});

test("a second file begins with its headers again", () => {
  const shown = String(diffView(DIFF + DIFF, "x"));

  expect(shown.match(/class="line file"/g)).toHaveLength(6);
});

test("a diff without headers has lines that go and come", () => {
  expect(String(diffView("+new\n-old", "x")).match(/<(?:ins|del)/g)).toEqual(["<ins", "<del"]);
});

test("of a long diff it is said how much is missing", () => {
  const text = "+\n".repeat(DIFF_LINES_MAX + 3);

  expect(String(diffView(text, "x"))).toContain("… 3 more lines");
});

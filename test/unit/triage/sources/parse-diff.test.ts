import { expect, test } from "vitest";
import { parseDiff } from "../../../../src/triage/sources/parse-diff.ts";

function linesOf(text: string) {
  const { added, removed } = parseDiff(text);
  return {
    added: added.map(({ line, text: content }) => `${line}:${content}`),
    removed: removed.map(({ line, text: content }) => `${line}:${content}`),
  };
}

test("lines of a unified diff have their numbers", () => {
  const diff = `diff --git a/app.py b/app.py
index 1..2 100644
--- a/app.py
+++ b/app.py
@@ -1,3 +1,3 @@
 import os
-port = 8080
+port = 8000
 run()
@@ -10 +10,2 @@ def main():
-old
+new
+newer
`;

  expect(linesOf(diff)).toEqual({
    added: ["2:port = 8000", "10:new", "11:newer"],
    removed: ["2:port = 8080", "10:old"],
  });
  expect(parseDiff(diff)).toMatchObject({ oldPath: "app.py", newPath: "app.py", isBinary: false });
});

test("hunks without headers of a file have numbers as well", () => {
  expect(linesOf("@@ -5 +7 @@\n-a\n+b")).toEqual({ added: ["7:b"], removed: ["5:a"] });
});

test("lines without any header have no numbers", () => {
  expect(linesOf("+EXPOSE 8080 8000\n-EXPOSE 8080\n context\n")).toEqual({
    added: ["null:EXPOSE 8080 8000"],
    removed: ["null:EXPOSE 8080"],
  });
});

test("headers of a file before lines without a hunk are no lines", () => {
  expect(linesOf("--- a/x\n+++ b/x\n+new\n-old")).toEqual({
    added: ["null:new"],
    removed: ["null:old"],
  });
});

test("a removed comment of SQL is a line, in a hunk and without one", () => {
  expect(linesOf("@@ -1,2 +1 @@\n--- drop it\n-x\n+++ y").removed).toEqual(["1:-- drop it", "2:x"]);
  expect(linesOf("--- drop it\n-x").removed).toEqual(["null:-- drop it", "null:x"]);
});

test("ends of lines of Windows are no content", () => {
  expect(linesOf("@@ -0,0 +1 @@\r\n+a\r\n").added).toEqual(["1:a"]);
});

test("a note on a missing newline is no line", () => {
  const diff = "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n";

  expect(linesOf(diff)).toEqual({ added: ["1:b"], removed: ["1:a"] });
});

test.for([
  "diff --git a/x.png b/x.png\nBinary files a/x.png and b/x.png differ\n",
  "diff --git a/x.png b/x.png\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZ\n",
])("a binary file has no lines: %j", (diff) => {
  expect(parseDiff(diff)).toMatchObject({ isBinary: true, added: [], removed: [] });
});

test.for(["", "\n", "no diff at all\nnot even here"])("%j has nothing to tell", (text) => {
  expect(parseDiff(text)).toMatchObject({ added: [], removed: [], isBinary: false });
});

test.for([
  ["added", "new file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"],
  ["deleted", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"],
  ["renamed", "similarity index 90%\nrename from y\nrename to x\n"],
] as const)("headers tell that a file is %s", ([changeType, diff]) => {
  expect(parseDiff(diff).changeType).toBe(changeType);
});

test("quoted paths are read", () => {
  const diff =
    '--- "a/\\303\\274 \\"x\\".txt"\n+++ b/with blank.txt\t2026-01-01\n@@ -1 +1 @@\n-a\n+b\n';

  expect(parseDiff(diff)).toMatchObject({ oldPath: 'ü "x".txt', newPath: "with blank.txt" });
});

test("a hunk that promises more lines than there are is incomplete", () => {
  expect(parseDiff("@@ -1,2 +1,2 @@\n-a\n+b\n").isIncomplete).toBe(true);
  expect(parseDiff("@@ -1 +1 @@\n-a\n+b\n").isIncomplete).toBe(false);
});

test("the diff of a second file is not taken for the first", () => {
  const second = "diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-c\n+d\n";

  expect(linesOf(`@@ -1 +1 @@\n-a\n+b\n${second}`)).toEqual({ added: ["1:b"], removed: ["1:a"] });
  expect(linesOf(`+b\n${second}`)).toEqual({ added: ["null:b"], removed: [] });
});

import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatExactTime,
  formatTime,
  numericId,
  renderRecord,
  renderResult,
  renderTable,
  withNumericIds,
} from "../../../../src/cli/terminal/output.ts";

describe("a table", () => {
  test("aligns columns, numbers to the right, and shows what is missing as -", () => {
    const rows = [
      ["noop", 7, null],
      ["consumer_triage", 1234, "broken"],
    ] as const;

    expect(renderTable(["type", "tasks", "error"], rows)).toBe(
      [
        "type             tasks  error",
        "noop                 7  -",
        "consumer_triage   1234  broken",
        "",
      ].join("\n"),
    );
  });

  test("keeps a row on one line, without control characters, at most 72 long a cell", () => {
    const [, row = ""] = renderTable(
      ["error"],
      [[`a\n  b\u001b[2J\u0007${"x".repeat(100)}`]],
    ).split("\n");

    expect(row).toBe(`a b${"x".repeat(68)}…`);
  });

  test("without rows is its headings", () => {
    expect(renderTable(["a", "b"], [])).toBe("a  b\n");
  });
});

test("a record puts a value of several lines below its name", () => {
  expect(
    renderRecord([
      ["status", "queued"],
      ["payload", "{\n}"],
      ["error", null],
    ]),
  ).toBe("status   queued\npayload\n  {\n  }\nerror    -\n");
});

test.for([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [1_000, "1.0 s"],
  [59_900, "59.9 s"],
  [90_000, "1.5 min"],
  [7_200_000, "2.0 h"],
  [172_800_000, "2.0 d"],
  [null, null],
] as const)("%s milliseconds are %s", ([ms, text]) => {
  expect(formatDuration(ms)).toBe(text);
});

test("a time is that of the reader", () => {
  const at = new Date(2027, 0, 2, 3, 4, 5, 67);

  expect(formatTime(at)).toBe("2027-01-02 03:04:05");
  expect(formatExactTime(at)).toBe("2027-01-02 03:04:05.067");
  expect(formatTime(null)).toBeNull();
});

test("ids are numbers in JSON as long as a number can hold them", () => {
  expect(numericId("9007199254740991")).toBe(9_007_199_254_740_991);
  expect(numericId("9007199254740993")).toBe("9007199254740993");
  expect(
    withNumericIds({ task_id: "1", worker_id: null, error: "2", result: { x_id: "3" } }),
  ).toEqual({ task_id: 1, worker_id: null, error: "2", result: { x_id: "3" } });
});

describe("a result", () => {
  test("of triage is told in words", () => {
    const verdict = {
      requires_action: true,
      urgency: "high",
      impact_summary: "p-retry breaks app",
      confidence: 0.97,
      affected_files: ["src/a.ts", "src/b.ts"],
      recommended_changes: "1. Verify\n2. Change",
      reasoning: "long",
    };

    expect(renderResult(verdict)).toBe(
      "requires action, urgency high, confidence 0.97\n\np-retry breaks app\n\n" +
        "1. Verify\n2. Change\n\naffected: src/a.ts, src/b.ts",
    );
    expect(renderResult({ ...verdict, requires_action: false })).toMatch(/^no action required, /);
  });

  test("of anything else is JSON, and text is text", () => {
    expect(renderResult({ a: 1 })).toBe('{\n  "a": 1\n}');
    expect(renderResult("done")).toBe("done");
    expect(renderResult(null)).toBe("null");
  });
});

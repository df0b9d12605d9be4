import { expect, test } from "vitest";
import { duration, instant, priority, taskId } from "../../../../src/cli/terminal/parsing.ts";

test.for([
  ["500ms", 500],
  ["1.5s", 1500],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  ["0s", 0],
  ["3650d", 315_360_000_000],
] as const)("the duration %s is %i ms", ([text, ms]) => {
  expect(duration().parse(text)).toBe(ms);
});

test.for(["", "10", "m", "-1s", "1w", "1 s", "3651d", "1e3s"])("%j is no duration", (text) => {
  expect(duration().safeParse(text).success).toBe(false);
});

test.for([
  ["2027-01-31T08:00:00Z", "2027-01-31T08:00:00.000Z"],
  ["2027-01-31 08:00:00.25+02:00", "2027-01-31T06:00:00.250Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
] as const)("the time %s is %s", ([text, iso]) => {
  expect(instant().parse(text)).toEqual({ runAt: new Date(iso) });
});

test("a time without a zone is that of the machine, a day its midnight", () => {
  expect(instant().parse("2027-01-31T08:00")).toEqual({ runAt: new Date(2027, 0, 31, 8) });
  expect(instant().parse("2027-01-31")).toEqual({ runAt: new Date(2027, 0, 31) });
});

test("a time may be given from now on", () => {
  expect(instant().parse("+10m")).toEqual({ delayMs: 600_000 });
});

test.for([
  "",
  "tomorrow",
  "1",
  "2027-13-01",
  "2027-02-29",
  "2027-02-31T08:00Z",
  "2027-01-31T25:00Z",
  "10000-01-01",
  "+10",
  "infinity",
])("%j is no time", (text) => {
  expect(instant().safeParse(text).success).toBe(false);
});

test.for([
  ["0", 0],
  ["3", 3],
  ["critical", "critical"],
  ["low", "low"],
] as const)("the priority %s is %s", ([text, value]) => {
  expect(priority().parse(text)).toBe(value);
});

test.for(["4", "-1", "urgent", "", "1.0"])("%j is no priority", (text) => {
  expect(priority().safeParse(text).success).toBe(false);
});

test.for(["1", "9007199254740993", "9223372036854775807"])("%s is a task id", (text) => {
  expect(taskId().parse(text)).toBe(text);
});

test.for(["0", "-1", "1.0", "9223372036854775808", "abc", ""])("%j is no task id", (text) => {
  expect(taskId().safeParse(text).success).toBe(false);
});

// Goal: a schedule is said as it is followed, and never as something else.
import { expect, test } from "vitest";
import { cronWords } from "../../../src/jobs/cron-words.ts";

test.for<readonly [string, string]>([
  ["0 2 * * 1-5", "At 02:00, Monday through Friday"],
  ["*/5 * * * *", "Every 5 minutes"],
  ["0 4 * * *", "At 04:00"],
  ["* * * * *", "Every minute"],
  ["15 3 1 * *", "At 03:15, on day 1 of the month"],
  ["0 12 1,15 * 1", "At 12:00, on day 1 and 15 of the month, and on Monday"],
  ["0 9 * * 1-1", "At 09:00, only on Monday"],
  ["0 4 * * 0-6", "At 04:00"],
  ["0 4 * * 6,7", "At 04:00, only on Saturday and Sunday"],
])("%s is said as %s", ([cron, words]) => {
  expect(cronWords(cron)).toBe(words);
});

test("a step that begins anew with each hour is said as the times that it is", () => {
  expect(cronWords("*/45 * * * *")).toBe("At 0 and 45 minutes past the hour");
  expect(cronWords("0 */10 * * *")).toBe("At 00:00, 10:00 and 20:00");
  expect(cronWords("*/61 * * * *")).toBe("Every hour");
});

test("nothing is said of what is no line of cron", () => {
  expect(cronWords("at noon")).toBeNull();
});

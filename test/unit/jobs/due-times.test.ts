import { expect, test } from "vitest";
import { parseCron } from "../../../src/jobs/crontab.ts";
import { lastDue } from "../../../src/jobs/due-times.ts";

const NOW = new Date("2026-03-01T12:34:56Z");

test.for([
  ["*/5 * * * *", "2026-03-01T12:30:00.000Z"],
  ["0 */6 * * *", "2026-03-01T12:00:00.000Z"],
  ["0 2-5 * * *", "2026-03-01T05:00:00.000Z"],
  ["34 12 * * *", "2026-03-01T12:34:00.000Z"],
  ["0 0 1 3 *", "2026-03-01T00:00:00.000Z"],
  ["0 0 * * 6", "2026-02-28T00:00:00.000Z"],
  ["0 0 1 1 *", "2026-01-01T00:00:00.000Z"],
  ["59 23 29 2 *", "2024-02-29T23:59:00.000Z"],
])("%s was due last at %s", ([cron = "", due]) => {
  expect(lastDue(parseCron(cron), NOW)?.toISOString()).toBe(due);
});

test("a day that never comes was never due", () => {
  expect(lastDue(parseCron("0 0 30 2 *"), NOW)).toBeNull();
});

test("a line that is not one of cron is refused", () => {
  expect(() => parseCron("0 0 * *")).toThrow("0 0 * *");
});
